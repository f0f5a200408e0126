#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The init script: rules before the daemon, a broken configuration never stops what runs, and the rules outlive the daemon.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
command -v start-stop-daemon > /dev/null || skip_all "no start-stop-daemon here"

lab_up
root=$LAB_DIR/root
mkdir -p "$root"/{sbin,etc/mxload,etc/default,state,log}
# The installed files, below our own root.
for name in mxload-rules mxload.init; do
	sed -e "s|@SBINDIR@|$root/sbin|g; s|@DATADIR@|$lab_top/nft-rules|g; s|@SYSCONFDIR@|$root/etc|g" \
		-e "s|@STATEDIR@|$root/state|g; s|/run/|$root/|g; s|/var/log/|$root/log/|g" \
		"$lab_top/nft-rules/$name" > "$root/sbin/$name"
	chmod 755 "$root/sbin/$name"
	is "no placeholder is left in $name" "$(grep -c '@[A-Z]*@' "$root/sbin/$name")" 0
done
cp "$MXLOADD" "$root/sbin/mxloadd"
echo "MXLOADD_OPTIONS='-r $lab_top/nft-rules/mxload.nft'" > "$root/etc/default/mxload"
config_write
good=$root/etc/mxload/mxload.conf
sed "s|$LAB_DIR/ledger.db|$root/state/ledger.db|" "$LAB_DIR/mxload.conf" > "$good"

# Only the network is another one: start-stop-daemon looks for processes by the path of their program.
init() {
	nsenter --net="/run/netns/$(lab_ns mail)" "$root/sbin/mxload.init" "$@"
}
generation() {
	mx -j status | json 'd["generation"]'
}
answers() {
	mx -j status
}

mv "$good" "$good.saved"
init start > "$LAB_DIR/said"
is "start without a configuration: not configured" "$?" 6
like "it says where it should be" "$(< "$LAB_DIR/said")" "not configured: .*mxload.conf is missing"
nok "and loads no table" table_loaded
cp "$good.saved" "$good"
echo 'nonsense = 1;' >> "$good"
nok "start refuses a broken configuration" init start
like "and names file and line" "$tap_output" 'mxload.conf:[0-9]+: '
ok "but the rules are loaded" table_loaded
is "so connections are reset" "$(connect_tally mail "$(provider_address google)")" \
	"done 1 ok 0 refused 1 timeout 0 unreachable 0"
cp "$good.saved" "$good"

ok "start" init start
eventually "mxloadd answers" 10 answers
ok "status" init status
pid=$(cat "$root/mxloadd.pid")
ok "start again" init start
is "changes nothing" "$(cat "$root/mxloadd.pid")" "$pid"
ok "connections go" connect mail -n 9 "$(provider_address google)"

before=$(generation)
ok "reload" init reload
eventually "a new policy is in force" 5 equal generation $((before + 1))
is "the daemon is the same" "$(cat "$root/mxloadd.pid")" "$pid"

echo 'nonsense = 1;' >> "$good"
nok "restart refuses a broken configuration" init restart
nok "reload too" init reload
is "and the daemon goes on" "$(cat "$root/mxloadd.pid")/$(generation)" "$pid/$((before + 1))"
cp "$good.saved" "$good"
ok "restart" init restart
eventually "the new one answers" 10 answers
isnt "it is another process" "$(cat "$root/mxloadd.pid")" "$pid"

ok "stop" init stop
is "no daemon runs" "$(ip netns pids "$(lab_ns mail)" | wc -l)" 0
nok "status tells" init status
ok "the rules stay" table_loaded
ok "mail goes on by the fallback" connect mail -n 9 -t 5 "$(provider_address google)"
is "from no wrong address" "$(receiver_strangers)" 0
ok "stop again" init stop

# As after a boot: no table, but what the daemon saved.
at mail nft delete table inet mxload
ok "the rules load what was saved" at mail "$root/sbin/mxload-rules" start
ok "and mail goes by it" connect mail -n 9 -t 5 "$(provider_address google)"
is "from no wrong address again" "$(receiver_strangers)" 0
done_testing

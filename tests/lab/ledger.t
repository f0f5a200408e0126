#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kill -9 at random moments under load, then with a ledger that cannot be written: what daemon, fallback and the
# daemon started again send together never passes a limit. CRASHES says how often (12).

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

CRASHES=${CRASHES:-12}
LIMIT=$((CRASHES * 40))

# load: connections at a steady rate, until load_end.
load() {
	connect mail -n 100000 -r 150 -t 5 198.51.100.10 > "$LAB_DIR/load.out" &
	load=$!
}
load_end() {
	kill "$load" 2> /dev/null
	wait "$load" 2> /dev/null
}
# over: sources that have sent more than they may.
over() {
	local n
	for n in 1 2 3; do
		[ "$(receiver_count google "mx$n")" -le "$LIMIT" ] || echo "mx$n: $(receiver_count google "mx$n")"
	done
}
lost() {
	mx -j status | json 'd["ledger"]["lost"]'
}
# nap MAX-MS: a random moment.
nap() {
	local ms=$((RANDOM % $1))
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}
ledger_is_well() {
	[ "$(mx -j status | json 'd["ledger"]["ok"]')" = true ]
}
some_more() {
	[ "$(receiver_count google -)" -gt "$1" ]
}

fallback_has_leases() {
	at "$LAB_HOST" nft list map inet mxload pick.main.google 2> /dev/null | grep -q 'burst.* goto'
}

RANDOM=${SEED:-7}
[ -e "$lab_top/build/fault/disk.so" ] || bail "no build/fault/disk.so: make lab builds it"
lab_up
export DISK_FILE=ledger.db DISK_FAULT=$LAB_DIR/fault LAB_PRELOAD=$lab_top/build/fault/disk.so
mkdir "$LAB_DIR/small"
mount -t tmpfs -o size=8M tmpfs "$LAB_DIR/small" || bail "no tmpfs"
LAB_GOOGLE="limits = [ \"$LIMIT connections/hour\" ]; wait = 0;" config_write
sed -i "s|^ledger = .*|ledger = \"$LAB_DIR/small/ledger.db\";|" "$LAB_DIR/mxload.conf"
daemon_start
connect_tally mail -n 18 198.51.100.10 > /dev/null
wait_for "the fallback has leases" 20 fallback_has_leases
load
dead=0
most_lost=0
for ((i = 0; i < CRASHES; i++)); do
	nap 900
	daemon_kill
	before=$(receiver_count google -)
	# While there is much left to send, it is waited for.
	if [ $i -eq 0 ]; then
		wait_for "the fallback sends" 10 some_more "$before"
		unlimited=$(connect_tally mail -n 20 198.51.100.20)
	else
		nap 400
	fi
	dead=$((dead + $(receiver_count google -) - before))
	daemon_start > /dev/null || break
	[ "$(lost)" -le "$most_lost" ] || most_lost=$(lost)
done
is "the daemon always starts again" "$i" "$CRASHES"
is "no source has sent more than it may" "$(over)" ""
ok "the fallback has sent some of it ($dead)" test "$dead" -gt 0
ok "what a crash costs is at most one lease for each lane ($most_lost)" test "$most_lost" -le $((3 * 64))
like "a lease that is spent at one provider keeps no mail for others" "$unlimited" "ok 20 "
is "no connection came from another address" "$(receiver_strangers)" 0
diag "sent $(receiver_count google mx1) $(receiver_count google mx2) $(receiver_count google mx3) of $LIMIT each"

# More may be sent, but the disk is nearly full: what was written ahead goes, and then connections are refused.
LIMIT=$((LIMIT * 20))
LAB_GOOGLE="limits = [ \"$LIMIT connections/hour\" ]; wait = 0;" config_write
sed -i "s|^ledger = .*|ledger = \"$LAB_DIR/small/ledger.db\";|" "$LAB_DIR/mxload.conf"
daemon_stop
free=$(df --output=avail -k "$LAB_DIR/small" | tail -n 1)
dd if=/dev/zero of="$LAB_DIR/small/filler" bs=1k count=$((free - 80)) 2> /dev/null
daemon_start
eventually "a full disk is said" 20 daemon_said 'ledger: .*full'
like "status says it, too" "$(mx status)" "ledger.*full"
ok "and counts the errors" test "$(mx -j status | json 'd["ledger"]["errors"]')" -gt 0
ok "metrics have both" test "$(metrics_fetch | grep -Ec '^mxload_ledger_(ok 0|errors_total [1-9][0-9]*)$')" = 2
written=$(mx -j status | json 'd["ledger"]["written"]')
refused_for_it() {
	[ "$(mx -j stats | json 'sum(r["connections"] for r in d["refused"] if r["reason"] == "ledger")')" -gt 0 ]
}
eventually "then connections are refused, for that reason" 20 refused_for_it
rm "$LAB_DIR/small/filler"
eventually "with room again all is well" 20 ledger_is_well
isnt "it is written again" "$(mx -j status | json 'd["ledger"]["written"]')" "$written"
eventually "and mail goes on" 10 some_more "$(receiver_count google -)"

echo fail > "$LAB_DIR/fault"
eventually "a disk that fails is said" 20 daemon_said 'ledger: .*I/O error'
daemon_kill
nap 300
echo well > "$LAB_DIR/fault"
daemon_start
ok "the daemon that was killed then starts again" daemon_pid
eventually "and mail goes on" 10 some_more "$(receiver_count google -)"
echo "slow 300" > "$LAB_DIR/fault"
eventually "a slow disk stops nothing" 10 some_more "$(($(receiver_count google -) + 200))"
echo well > "$LAB_DIR/fault"
load_end
daemon_stop
is "in the end no source has sent more than it may" "$(over)" ""

mount -o remount,ro "$LAB_DIR/small"
daemon_start 2> /dev/null
like "read-only from the start: one line says so" "$(daemon_log)" "ledger .*/ledger.db: .*Read-only"
umount "$LAB_DIR/small"
done_testing

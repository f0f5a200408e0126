#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the daemon may do: it gives up root, keeps one capability, and can still do all of its work.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# facts PID: what the kernel says of all its threads, each different line once.
facts() {
	cat "/proc/$1"/task/*/status | awk '/^(Uid|Gid|Groups|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):/ { $1 = $1; print }' | sort -u
}
# the_rest FILTERED: what is expected there.
the_rest() {
	local uid gid
	uid=$(id -u "$LAB_USER") gid=$(id -g "$LAB_USER")
	echo "CapAmb: 0000000000001000
CapBnd: 0000000000000000
CapEff: 0000000000001000
CapPrm: 0000000000001000
Gid: $gid $gid $gid $gid
Groups:
NoNewPrivs: 1
Seccomp: $1
Uid: $uid $uid $uid $uid"
}
# nothing FILTERED: what is expected where not even that is left.
nothing() {
	the_rest "$1" | sed -E 's/^(Cap(Amb|Eff|Prm): ).*/\10000000000000000/'
}
# open_beyond PID: the kinds of files that it has open but standard output and error.
open_beyond() {
	local fd
	for fd in "/proc/$1"/fd/*; do
		[ "${fd##*/}" -le 2 ] || readlink "$fd" | sed 's/:.*//'
	done | paste -sd ' '
}
# netlink_of PID: how many of its sockets are netlink ones.
netlink_of() {
	local fd n=0
	for fd in "/proc/$1"/fd/*; do
		awk -v inode="$(readlink "$fd")" '"socket:[" $10 "]" == inode { found = 1 } END { exit !found }' "/proc/$1/net/netlink" && n=$((n + 1))
	done
	echo $n
}
# helper NAME: the process of the daemon that is called so.
helper() {
	pgrep -P "$(daemon_pid)" -x "$1"
}
owner() {
	stat -c %U "$1"
}
# start_as_user [FILE]: as an ordinary user with the capability; FILE, opened by root, is its standard input.
start_as_user() {
	lab_log_from=$(($(wc -c < "$LAB_DIR/mxloadd.log") + 1))
	# shellcheck disable=SC2016 # expanded there: what is below /proc/net depends on who opens it
	(exec ip netns exec "$(lab_ns mail)" sh -c 'exec < "$0"; exec "$@"' "${1-/dev/null}" \
		setpriv --reuid="$LAB_USER" --regid="$(id -g "$LAB_USER")" --clear-groups \
		--inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin \
		"$MXLOADD" -c "$LAB_DIR/mxload.conf" -r "$lab_top/nft-rules/mxload.nft" >> "$LAB_DIR/mxloadd.log" 2>&1) &
	echo $! > "$LAB_DIR/mxloadd.pid"
	wait_for "mxloadd is ready" 20 daemon_ready
}
waiting() {
	mx -j status | json '[q["waiting"] for q in d["queues"]]'
}
# refused OPTION...: the last line of a daemon that does not start.
refused() {
	at mail timeout 20 "$MXLOADD" -c "$LAB_DIR/mxload.conf" -r "$lab_top/nft-rules/mxload.nft" "$@" 2>&1 | tail -n 1
}

lab_up
filtered=2
# With the address sanitizer there is no filter.
! grep -q libasan <(ldd "$MXLOADD") || filtered=0
config_write
daemon_start
is "every thread: another user, one capability, no way back" "$(facts "$(daemon_pid)")" "$(the_rest $filtered)"
is "the watchdog, too" "$(facts "$(helper mxload-watchdog)")" "$(the_rest $filtered)"
is "who reads what strangers send can do nothing" "$(facts "$(helper mxload-parser)")" "$(nothing $filtered)"
is "nor can who asks the DNS" "$(facts "$(helper mxload-resolver)")" "$(nothing $filtered)"
is "the one holds two sockets" "$(open_beyond "$(helper mxload-parser)")" "socket socket"
is "none of theirs speaks to the kernel" "$(netlink_of "$(helper mxload-parser)") $(netlink_of "$(helper mxload-resolver)")" "0 0"
isnt "as the daemon's do" "$(netlink_of "$(daemon_pid)")" 0
is "who runs nft is not filtered, and may do no more" "$(facts "$(helper mxload-loader)")" "$(the_rest 0)"
is "the ledger is his" "$(owner "$LAB_DIR/ledger.db")" "$LAB_USER"
ok "connections go" connect mail -n 9 "$(provider_address google)"
is "the kernel's counters are read" "$(waiting)" "[0, 0]"

at mail nft flush ruleset
eventually "the table that somebody flushed comes back" 10 table_loaded
ok "and connections go" connect mail -n 9 "$(provider_address google)"
ok "a weight is changed" mx weight mx1 google 2
ok "the configuration is read again" mx reload
chmod 600 "$LAB_DIR/mxload.conf"
nok "one that only root may read is not" mx reload
like "and that is said" "$tap_output" "mxload.conf.*Permission denied"
chmod 644 "$LAB_DIR/mxload.conf"
kill -KILL "$(helper mxload-watchdog)"
eventually "a watchdog that is gone is started again" 10 helper mxload-watchdog
is "as the one before" "$(facts "$(helper mxload-watchdog)")" "$(the_rest $filtered)"

# A process that was taken over, or trapped in a loop, costs one answer.
for name in parser resolver; do
	kill -KILL "$(helper mxload-$name)"
	eventually "a $name that is gone is started again" 10 helper "mxload-$name"
	is "as the one before" "$(facts "$(helper mxload-$name)")" "$(nothing $filtered)"
done
eventually "and read requests are answered" 10 mx status
before=$(helper mxload-parser)
kill -STOP "$before"
nok "one that hangs costs a request" mx status
like "which is told to try again" "$tap_output" "could not be read: try again"
eventually "then another is there" 10 mx status
isnt "in its place" "$(helper mxload-parser)" "$before"
like "which is said" "$(daemon_log)" "warning: mxload-parser does not answer: started again"

kill -KILL "$(helper mxload-loader)"
eventually "without who runs nft the daemon leaves, for a new start" 10 pid_gone "$(pid_of mxloadd)"
like "and says so" "$(daemon_log)" "error: the loader of rules is gone"
like "in order" "$(daemon_log)" "leaving: the fallback decides"

chown root: "$LAB_DIR"/ledger.db*
daemon_start
is "a ledger that root has left is his" "$(owner "$LAB_DIR/ledger.db")" "$LAB_USER"
is "with what stands in it" "$(mx -j explain 198.51.100.10 | json '[c["weight"] for c in d["candidates"] if c["source"] == "mx1"]')" "[2]"
daemon_stop

mkdir "$LAB_DIR/mxload" "$LAB_DIR/others"
sed "s|$LAB_DIR/ledger.db|$LAB_DIR/mxload/ledger.db|; s|$LAB_DIR/control.sock|$LAB_DIR/made/control.sock|" "$LAB_DIR/mxload.conf" > "$LAB_DIR/folders.conf"
daemon_start "$LAB_DIR/folders.conf"
is "a folder of ours is given to him" "$(owner "$LAB_DIR/mxload")" "$LAB_USER"
is "and one that was missing" "$(owner "$LAB_DIR/made")" "$LAB_USER"
daemon_stop
sed -i "s|$LAB_DIR/ledger.db|$LAB_DIR/others/ledger.db|" "$LAB_DIR/mxload.conf"
like "nobody else's is" "$(refused -u "$LAB_USER")" "error: ledger .*others/ledger.db: expected user $LAB_USER to be able to write in .*/others: Permission denied"
is "it stays whose it was" "$(owner "$LAB_DIR/others")" root
sed -i "s|$LAB_DIR/others/ledger.db|$LAB_DIR/ledger.db|" "$LAB_DIR/mxload.conf"
like "a user that does not exist: one clear line" "$(refused -u nobody-of-this-name)" "error: user nobody-of-this-name: expected a user of this host"

start_as_user
is "started by an ordinary user with the capability" "$(facts "$(daemon_pid)" | grep -v CapBnd)" "$(the_rest $filtered | grep -v CapBnd)"
ok "connections go" connect mail -n 9 "$(provider_address google)"
like "the kernel's counters are not his to read" "$(daemon_log)" "warning: the kernel's counters of packet queues cannot be read: Permission denied"
is "so they are not known" "$(waiting)" "[null, null]"
like "which the table shows" "$(mx status)" "250 .* - +-"
daemon_stop
# A supervisor opens it as root, and what is open stays readable.
start_as_user /proc/net/netfilter/nfnetlink_queue
is "unless they are its standard input" "$(waiting)" "[0, 0]"
nok "then nothing is warned of" daemon_said "cannot be read"
daemon_stop
done_testing

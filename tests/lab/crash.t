#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A daemon that dies, hangs or leaves: mail goes on by the last weights, and never from a wrong address.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# load SECONDS: connections at a steady rate in the background, one tally line in load.out.
load() {
	connect_tally mail -n $((100 * $1)) -r 100 -t 20 198.51.100.10 > "$LAB_DIR/load.out" &
	load=$!
}
# load_end: wait for its end; what it says is in $tally.
load_end() {
	wait "$load"
	tally=$(cat "$LAB_DIR/load.out")
}
arrived() {
	[ "$(receiver_count google -)" -ge "$1" ]
}

lab_up
config_write
daemon_start
load 6
wait_for "some have arrived" 5 arrived 100
daemon_kill
load_end
like "kill -9 under load: no connection fails for good" "$tally" "ok 600 refused 0 timeout 0"
is "none came from another address" "$(receiver_strangers)" 0
is "the guard counts 0" "$(guard_count)" 0
# The receivers accept a little later than the senders connect.
wait_for "the receivers have seen them all" 10 arrived 600
receivers_forget
like "dead: connections flow" "$(connect_tally mail -n 450 198.51.100.10)" "ok 450"
wait_for "all have arrived" 10 arrived 450
near "by the last weights: mx1" "$(receiver_count google mx1)" 250 45
near "by the last weights: mx2" "$(receiver_count google mx2)" 150 40
near "by the last weights: mx3" "$(receiver_count google mx3)" 50 28
like "IPv6 too" "$(connect_tally mail -n 45 2001:db8:100:1::10)" "ok 45"

handle=$(table_handle)
load 3
daemon_start
load_end
like "started again under load: none is lost" "$tally" "ok 300"
is "the table is still the same" "$(table_handle)" "$handle"
before=$(mx_count - -)
connect_tally mail -n 9 198.51.100.10 > /dev/null
is "it decides again" "$(mx_count - -)" $((before + 9))

load 6
wait_for "some have arrived" 5 arrived 600
daemon_signal STOP
# A SYN is sent again after one second, and then after three.
like "SIGSTOP: new connections flow again, at the latest when their SYN is sent again" \
	"$(connect mail -t 10 198.51.100.10)" " ok [^ ]* [0-9]* [12]?[0-9]{1,3}\."
load_end
like "none of the others is lost" "$tally" "ok 600"
daemon_signal CONT
eventually "SIGCONT: the daemon decides again" 10 queue_decides mail 198.51.100.10
is "status tells of it" "$(mx -j status | json 'd["watchdog"]["trips"]')" 1

load 3
wait_for "the load is on" 5 arrived 1300
daemon_stop
load_end
like "SIGTERM under load: none is lost" "$tally" "ok 300"
is "never from another address" "$(receiver_strangers)" 0

config_write 'when-down = "refuse";'
daemon_start
like "when-down = refuse: while it runs, all is well" "$(connect_tally mail -n 9 198.51.100.10)" "ok 9"
daemon_kill
# The kernel module goes on for a second: so long its policy is valid without a word of the daemon.
refused() {
	[[ $(connect_tally mail -n 9 -t 3 198.51.100.10) =~ "refused 9" ]]
}
[ "${LAB_ENGINE-}" != kmod ] || wait_for "the module's policy is no longer valid" 2 refused
ok "then it is refused" refused
done_testing

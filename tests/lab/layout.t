#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A daemon finds the table of another version of mxload: its own takes that place, while mail goes on and no count is lost.
# The same when somebody flushes the ruleset, where sources have limits.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# make_older: the loaded table, as a version would have it that knew neither of these chains.
make_older() {
	at mail nft -f - << 'END'
flush chain inet mxload decide_out
add rule inet mxload decide_out tcp flags & (fin | syn | rst | ack) == syn tcp dport @ports goto ask
flush chain inet mxload steer
delete chain inet mxload steer
delete chain inet mxload layout_1
END
}
used() {
	mx -j quota | json "sum(q['used'] for q in d['quotas'] if q['period'] == 'week' and not q['provider'])"
}

lab_up
# shellcheck disable=SC2034 # config_write reads them
LAB_MX1='limits = [ "1000 connections/week" ];' LAB_MX2=$LAB_MX1 LAB_MX3=$LAB_MX1
config_write
daemon_start
connect_tally mail -n 20 198.51.100.10 > /dev/null
live_open kept mail -n 3 198.51.100.10
daemon_stop
is "without a daemon mail goes on" "$(connect_tally mail -n 7 198.51.100.10)" "done 7 ok 7 refused 0 timeout 0 unreachable 0"
make_older
stream_start begun mail 100 198.51.100.10
ok "a daemon of another version begins" daemon_start
ok "it says that it replaced the table" daemon_said "the loaded table inet mxload is of another version of mxload: replaced"
ok "the table is its own" at mail nft list chain inet mxload layout_1
stream_end
is "no connection is refused or lost meanwhile" "$(stream_tally begun | sed "s/^ok [1-9][0-9]* //")" "refused 0 lost 0"
is "live sessions go on" "$(live_talk kept)" 3
live_close kept
is "none came from another address" "$(receiver_strangers)" 0
is "and every connection is in the ledger, none twice" "$(used)" "$(receiver_count - -)"
daemon_stop
ok "begun again on its own table" daemon_start
nok "it keeps that" daemon_said "another version"
stream_start flushed mail 100 198.51.100.10
restored() {
	mx -j status | json 'd["table"]["restored"]'
}
for n in 1 2 3 4 5; do
	at mail nft flush ruleset
	wait_for "the table is put back" 10 equal restored "$n"
done
stream_end
is "flushed five times: no connection is refused or lost" "$(stream_tally flushed | sed "s/^ok [1-9][0-9]* //")" "refused 0 lost 0"
is "none came from another address then" "$(receiver_strangers)" 0
ok "and the ledger has all" test "$(used)" -ge "$(receiver_count - -)"
daemon_stop

# A packet that is in the fallback while the table changes finds sets without elements.
picks() {
	at mail nft list maps inet | grep -oE 'map pick[^ ]*' | cut -d ' ' -f 2
}
for map in $(picks); do
	at mail nft flush map inet mxload "$map"
done
is "nothing left to lend: refused" "$(connect_tally mail -n 3 198.51.100.10)" "done 3 ok 0 refused 3 timeout 0 unreachable 0"
at mail nft flush map inet mxload draw.spent
is "no set as it was: not refused" "$(connect_tally mail -n 3 -t 1.5 198.51.100.10)" "done 3 ok 0 refused 0 timeout 3 unreachable 0"
done_testing

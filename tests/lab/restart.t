#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon is restarted ten times under load: no connection is lost, none comes from a wrong address, and no limit is passed
# nor left unused.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

restarts=10

arrived() {
	[ "$(receiver_count google -)" -ge "$1" ]
}

lab_up
LAB_YAHOO='limits = [ "150 connections/hour" ]; wait = 0;' config_write
daemon_start
table=$(table_handle)
live_open before mail -n 20 198.51.100.20

stream_start free mail 150 198.51.100.10
stream_start limited mail 40 198.51.100.30
wait_for "the load is on" 10 arrived 50
done=0
for ((n = 1; n <= restarts; n++)); do
	daemon_stop && daemon_start && seen=$(receiver_count google -) &&
		wait_for "it goes on" 20 arrived $((seen + 20)) && done=$((done + 1))
done
is "it left in order and came back, each time" "$done" $restarts
ok "all the while connections were made" stream_end
like "none is lost" "$(stream_tally free)" "^ok [0-9]+ refused 0 lost 0$"
diag "without a limit: $(stream_tally free); with one: $(stream_tally limited)"
is "none came from another address" "$(receiver_strangers)" 0
is "the guard had nothing to do" "$(guard_count)" 0
# What no restart has used up is still there.
connect mail -n 450 -t 20 198.51.100.30 > /dev/null
receiver_wait yahoo - 450
is "the limit is kept by each source, and used" "$(for n in 1 2 3; do receiver_count yahoo "mx$n"; done | paste -sd ' ')" "150 150 150"
like "what it did not let through was refused at once" "$(stream_tally limited)" "lost 0$"
is "what was open before is open" "$(live_talk before)" 20
is "the table is the same" "$(table_handle)" "$table"
live_close before
ok "and leaves in order" daemon_stop
done_testing

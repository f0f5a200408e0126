#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mode = observe: decides, counts and explains, and touches no packet.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
config_write 'mode = "observe";'
daemon_start
like "connections flow" "$(connect_tally mail -n 9 198.51.100.20)" "ok 9"
is "from the address they had" "$(receiver_count microsoft 192.0.2.2)" 9
is "they are counted as they would be" "$(mx_count microsoft mx1) $(mx_count microsoft mx2) $(mx_count microsoft mx3)" "5 3 1"
like "explain works" "$(mx explain 198.51.100.20)" "now: assign mx"
is "status says so" "$(mx -j status | json 'd["mode"]')" observe
daemon_kill
like "dead: connections flow as before" "$(connect_tally mail -n 9 198.51.100.20)" "ok 9"
is "from the address they had" "$(receiver_count microsoft 192.0.2.2)" 18
config_write
daemon_start
connect mail -n 9 198.51.100.20 > /dev/null
is "enforced later" "$(receiver_count microsoft 192.0.2.2)" 18
done_testing

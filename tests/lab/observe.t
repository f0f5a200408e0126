#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mode = observe: decides, counts and explains, and touches no packet.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
LAB_GOOGLE='limits = [ "600 connections/hour" ]; pace = "even"; weights: { mx2 = 0; mx3 = 0; };' \
	LAB_YAHOO='limits = [ "2 connections/day" ]; wait = 0; weights: { mx2 = 0; mx3 = 0; };' config_write 'mode = "observe";'
daemon_start
like "connections flow" "$(connect_tally mail -n 9 198.51.100.20)" "ok 9"
is "from the address they had" "$(receiver_count microsoft 192.0.2.2)" 9
is "they are counted as they would be" "$(mx_count microsoft mx1) $(mx_count microsoft mx2) $(mx_count microsoft mx3)" "5 3 1"
like "explain works" "$(mx explain 198.51.100.20)" "now: assign mx"
connect mail -n 4 -f 4 198.51.100.10 > "$LAB_DIR/paced"
like "who would have to wait goes on" "$(tail -n 1 "$LAB_DIR/paced")" "ok 4"
is "at once" "$(awk '$2 == "ok" && $5 > 1000' "$LAB_DIR/paced")" ""
ok "and is counted" test "$(mx -j stats | json 'sum(h["total"] for h in d["held"])')" -ge 2
is "nobody waits" "$(mx -j stats | json 'sum(h["now"] for h in d["held"])')" 0
like "who would be refused goes on" "$(connect_tally mail -n 6 -f 1 198.51.100.30)" "ok 6"
like "and is counted" "$(mx stats)" "refused at yahoo, limit-day: [34]"
is "status says so" "$(mx -j status | json 'd["mode"]')" observe
daemon_kill
like "dead: connections flow as before" "$(connect_tally mail -n 9 198.51.100.20)" "ok 9"
is "from the address they had" "$(receiver_count microsoft 192.0.2.2)" 18
config_write
daemon_start
connect_tally mail -n 9 198.51.100.20 > /dev/null
is "enforced later" "$(receiver_count microsoft 192.0.2.2)" 18
done_testing

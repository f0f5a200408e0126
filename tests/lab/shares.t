#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The main job: real Postfix mail leaves in the shares that were asked for; weights and pauses act at once and last.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# smooth ORDER: at every moment each of 5/3/1 is within one connection of its share.
smooth() {
	awk '{
		weight["mx1"] = 5; weight["mx2"] = 3; weight["mx3"] = 1
		for (i = 1; i <= NF; i++) {
			n[$i]++
			for (s in weight) {
				off = n[s] - i * weight[s] / 9
				if (off >= 1 || off <= -1) { print "after " i ": " s " is off by " off; exit 1 }
			}
		}
	}' <<< "$1"
}

both_served() {
	[ "$(receiver_count yahoo mx1)" -ge 1 ] && [ "$(receiver_count yahoo mx2)" -ge 1 ]
}

lab_up
config_write
daemon_start
mta_start
# In an emulated guest a message takes a fifth of a second.
less=${LAB_LESS:-1}
mail_send gmail.com $((200 / less))
mail_send outlook.com $((150 / less))
mail_send yahoo.com $((150 / less))
mail_send alpha.example $((100 / less))
mail_wait 60
is "$((600 / less)) messages arrived" "$(receiver_count - - message)" $((600 / less))
ok "the receivers saw what mxloadd counted, for every source and provider" receivers_agree
is "no connection came from another address" "$(receiver_strangers)" 0

receivers_forget
connect_tally mail -n 90 -f 1 198.51.100.20 > /dev/null
ok "at every moment each share is right within one connection" smooth "$(receiver_order microsoft)"
like "IPv6 leaves from the sources too" "$(connect_tally mail -n 9 2001:db8:100:1::10)" "ok 9"
is "IPv6: no other address" "$(receiver_strangers)" 0

receivers_forget
ok "a weight is changed" mx weight mx1 microsoft 0
connect_tally mail -n 8 -f 1 198.51.100.20 > /dev/null
is "it is in force for the next connection" "$(receiver_count microsoft mx1)" 0
is "the others share" "$(receiver_count microsoft mx2) $(receiver_count microsoft mx3)" "6 2"
connect_tally mail -n 9 -f 1 198.51.100.30 > /dev/null
is "at another provider nothing has changed" "$(receiver_count yahoo mx1)" 5
mx weight mx1 microsoft --reset > /dev/null

mx weight mx1 yahoo 1000 > /dev/null
mx weight mx2 yahoo 1000 > /dev/null
connect_tally mail -n 9 -f 1 198.51.100.30 > /dev/null
mx weight mx1 yahoo 1 > /dev/null
mx weight mx2 yahoo 1 > /dev/null
receivers_forget
connect_tally mail -n 6 -f 1 198.51.100.30 > /dev/null
ok "weights a thousand times smaller leave no debt: mx1 and mx2 still take turns" \
	both_served
mx weight mx1 yahoo --reset > /dev/null
mx weight mx2 yahoo --reset > /dev/null

live_open before mail -n 9 198.51.100.10
ok "a source is paused" mx pause mx1 --reason "blocked by hand"
receivers_forget
connect_tally mail -n 8 -f 1 198.51.100.10 > /dev/null
is "it gets no new connection" "$(receiver_count google mx1)" 0
is "its live connections go on" "$(live_talk before)" 9
like "explain says why" "$(mx explain 198.51.100.10)" "mx1 .*paused"
is "explain spends nothing" "$(mx_count - -)" "$(mx explain 198.51.100.10 > /dev/null; mx_count - -)"
nok "what is not paused cannot be resumed" mx resume mx2
is "that is status 1" "$(mx resume mx2 2> /dev/null; echo $?)" 1

mx weight mx2 1 > /dev/null
daemon_stop
daemon_start
like "the pause survives a restart" "$(mx sources)" "mx1 .*paused by operator: blocked by hand"
is "so does the weight" "$(mx -j pools | json '[m["weight"] for m in d["pools"][0]["members"] if m["source"] == "mx2"][0]')" 1
mx resume mx1
mx weight mx2 --reset > /dev/null
live_close before

ok "a pause with a time" mx pause mx3 --for 1s
eventually "is over by itself" 5 equal "mx sources | grep -c paused" 0

live_open drained mail -n 9 198.51.100.10
mx drain mx1 > "$LAB_DIR/drain.out" &
drain=$!
wait_for "drain says what is open" 5 grep -q "5 connections are open" "$LAB_DIR/drain.out" || diag "$(cat "$LAB_DIR/drain.out")"
live_close drained
eventually "drain ends when the last has closed" 10 grep -q "^0 connections" "$LAB_DIR/drain.out"
ok "with status 0" wait $drain
mx resume mx1

nok "all paused: refused" eval 'mx pause mx1; mx pause mx2; mx pause mx3; connect mail -n 3 198.51.100.10 > /dev/null'
is "counted by reason" "$(mx -j stats | json '[(r["provider"], r["reason"], r["connections"]) for r in d["refused"]]')" \
	'[["google", "paused", 3]]'
ok "mxloadd ends in order" daemon_stop
done_testing

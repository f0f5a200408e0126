#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A new source sends its day's cap and no more; the rest flows to the others. What was settled counts.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# warmup PROVIDER FIELD [NETWORK]: of mx3
warmup() {
	mx -j warmup mx3 | json "[w['$2'] for w in d['warmups'] if w['provider'] == '$1' and (w['network'] or '') == '${3-}'][0]"
}
quota() {
	mx -j quota mx1 yahoo | json "[q['$1'] for q in d['quotas'] if q['source'] == 'mx1'][0]"
}

lab_up
LAB_WEIGHTS="1 1 8" LAB_MX3='warmup: { started = "2026-01-01"; schedule = "tiny"; };' \
	LAB_YAHOO='limits = [ "100 messages/day" ]; messages-per-connection = 5; weights: { mx2 = 0; mx3 = 0; };' \
	config_write 'schedules: { tiny: { daily = [ 8, 20 ]; }; };'
daemon_start
mta_start
mx watch > "$LAB_DIR/watch.out" &
watcher=$!
mail_send gmail.com 60
mail_wait 30
kill $watcher
wait $watcher 2> /dev/null
is "a warming source sends its day's cap" "$(receiver_count google mx3)" 8
is "the rest flows to the others, all of it" "$(($(receiver_count google mx1) + $(receiver_count google mx2)))" 52
is "no mail was delayed" "$(mail_count deferred)" 0
is "warmup: day 1 of 2" "$(warmup google day) $(warmup google days)" "1 2"
is "warmup: sent" "$(warmup google sent)" 8
is "each provider has its own ramp" "$(warmup microsoft sent)" 0
is "stats name the day" "$(mx -j stats | json '[l["warmup_day"] for l in d["lanes"] if l["provider"] == "google" and l["source"] == "mx3"]')" "[1]"
like "explain names the reason, and what is left" "$(mx explain 198.51.100.10)" "mx3 .* 0 \(warmup\) +1 +warmup"
is "watch tells how much is left of the day" \
	"$(grep -Eo 'mx3 \([a-z]+\), [0-7] left \(warmup\), day 1 of the warm-up' "$LAB_DIR/watch.out" | grep -Eo '[0-7] left' | sort -ur | tr '\n' ' ')" \
	"7 left 6 left 5 left 4 left 3 left 2 left 1 left 0 left "

connect_tally mail -n 40 -f 1 203.0.113.40 > /dev/null
connect_tally mail -n 40 -f 1 203.0.113.50 > /dev/null
is "two networks of the default provider have a ramp each" \
	"$(warmup default sent 203.0.113.0/24)" "$(receiver_count default mx3)"
ok "which holds" test "$(receiver_count default mx3)" -le 8

daemon_kill
daemon_start
connect_tally mail -n 20 -f 1 198.51.100.10 > /dev/null
is "a crash lets it send no more" "$(receiver_count google mx3)" 8
ok "finished by hand" mx warmup mx3 google finish
receivers_forget
connect_tally mail -n 20 -f 1 198.51.100.10 > /dev/null
is "it carries its whole weight there" "$(receiver_count google mx3)" 16
is "and is still warmed up elsewhere" "$(warmup microsoft state)" warming
ok "begun again" mx warmup mx3 google start
is "from day 1" "$(warmup google day)" 1
is "held" "$(mx -j warmup mx3 google hold | json 'd["warmups"][0]["state"]')" held

connect_tally mail -n 4 -f 1 198.51.100.30 > /dev/null
is "messages: charged by connection" "$(quota used)" 20
ok "settle" mx settle mx1 yahoo --connections 4 --sent 6 --bounced 1
is "what was really sent counts" "$(quota used) $(quota settled) $(quota estimated)" "7 7 0"
connect_tally mail -n 1 -f 1 198.51.100.30 > /dev/null
is "and is learned from" "$(quota estimated)" 2
is "stats have what became of them" \
	"$(mx -j stats | json '[l["messages"] for l in d["lanes"] if l["provider"] == "yahoo" and l["source"] == "mx1"]')" \
	'[{"sent": 6, "deferred": 0, "bounced": 1}]'
daemon_kill
daemon_start
is "a settle is never lost" "$(quota settled)" 7

# What is told under a serial number counts once, also when the daemon dies behind it.
report='{"command":"settle","source":"mx2","provider":"yahoo","book":"b","serial":7,"connections":0,"sent":3}'
tell() {
	talk "$report"$'\n' | json "d['repeated'], d['durable']"
}
is "a numbered report" "$(tell)" '[false, true]'
is "said again" "$(tell)" '[true, true]'
daemon_kill
daemon_start
is "also to the next daemon" "$(tell)" '[true, true]'
is "counts once" "$(mx -j quota mx2 yahoo | json 'd["quotas"][0]["settled"]')" 3

ok "backing off" mx backoff mx1 yahoo --for 6s --reason "blocked"
like "it rests first" "$(connect_tally mail -n 2 -f 1 198.51.100.30)" "refused 2"
back() {
	mx -j stats | json "[l['connections'] for l in d['lanes'] if l['provider'] == 'yahoo' and l['source'] == 'mx1']"
}
served() {
	[ "$(connect_tally mail -n 1 198.51.100.30)" = "done 1 ok 1 refused 0 timeout 0 unreachable 0" ]
}
eventually "then comes back" 20 served
like "and is shown" "$(mx sources)" "mx1 .*backing-off at yahoo by operator: blocked"
ok "paused at one network of the default provider" mx pause mx1 default --to 203.0.113.40 --for 1h
ok "paused there, too" mx pause mx2 default --to 203.0.113.40
like "no more goes there" "$(mx explain 203.0.113.40)" "mx1 .*paused"
like "the network is named" "$(mx sources)" "mx1 .*paused at default 203\.0\.113\.0/24 by operator"
like "elsewhere it does" "$(mx explain 203.0.114.40)" "mx1 .*candidate"
ok "resumed" mx resume mx1 default --to 203.0.113.40
like "it goes there again" "$(mx explain 203.0.113.40)" "mx1 .*candidate"
is "no connection came from another address" "$(receiver_strangers)" 0
daemon_stop
done_testing

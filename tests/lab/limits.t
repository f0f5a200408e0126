#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No address sends more than it may, and nothing makes the daemon forget what was sent.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# quota SOURCE PROVIDER PERIOD FIELD: of a limit, as `mxload quota` has it; - for all of them together.
quota() {
	mx -j quota | json "[q['$4'] for q in d['quotas'] if (q['source'] or '-') == '$1'
		and (q['provider'] or '-') == '$2' and q['period'] == '$3'][0]"
}

# refusals FILE: how long they took, in ms: the median and the longest. One of many may wait for a busy processor; what
# waits for a SYN that is sent again takes a second.
refusals() {
	awk '$2 == "refused" { print $5 + 0 }' "$1" | sort -n | awk '{ ms[NR] = $1 } END { print ms[int((NR + 1) / 2)], ms[NR] }'
}

only_mx1='weights: { mx2 = 0; mx3 = 0; }; wait = 0;'
lab_up
LAB_GOOGLE="limits = [ \"20 connections/hour\" ]; $only_mx1" \
	LAB_MICROSOFT='total-limits = [ "10 connections/day" ]; wait = 0;' \
	LAB_YAHOO="limits = [ \"10 connections/hour\" ]; $only_mx1" \
	LAB_MX2='limits = [ "5 connections/week" ];' config_write
daemon_start

connect mail -n 200 -f 1 198.51.100.10 > "$LAB_DIR/plain"
like "20 connections/hour: 20 of 200 are made, the others refused" "$(tail -n 1 "$LAB_DIR/plain")" "ok 20 refused 180"
read -r median longest <<< "$(refusals "$LAB_DIR/plain")"
diag "refused within $median ms (median), $longest ms (longest)"
# A kernel that looks for faults in an emulator is slower (LAB_PATIENCE), and its watchdog may drop a SYN.
ok "a refusal takes less than 10 ms" test "${median%.*}" -lt $((10 * ${LAB_PATIENCE:-1}))
ok "none waits for a SYN that is sent again" test "${longest%.*}" -lt $((900 * ${LAB_PATIENCE:-1}))
is "the receivers saw 20" "$(receiver_count google -)" 20
is "quota: used" "$(quota mx1 google hour used)" 20
is "quota: free" "$(quota mx1 google hour free)" 0
like "quota: when more is free" "$(quota mx1 google hour frees)" "^20[0-9-]*T[0-9:]*Z$"
# What the table refused by itself, while the watchdog had taken the queue away, is told as one number.
undecided=$(mx -j status | json 'd["table"]["undecided"]')
is "stats name the limit that refused" \
	"$(mx -j stats | json '[r["connections"] for r in d["refused"] if r["provider"] == "google" and r["reason"] == "limit-hour"]')" \
	"[$((180 - undecided))]"
like "explain names it, too" "$(mx explain 198.51.100.10)" "mx1 .*limit-hour"

like "a limit for a provider in total" "$(connect_tally mail -n 30 -f 3 198.51.100.20)" "ok 10 refused 20"
is "is shared by all sources" "$(mx_count microsoft -)" 10
is "a source's own limit holds wherever it sends" "$(($(mx_count - mx2) <= 5))" 1
is "and is shown" "$(quota mx2 - week limit)" 5

mta_start
mail_send yahoo.com 30
eventually "Postfix delivers what the limit lets through" 20 equal "mail_count sent" 10
eventually "and keeps the rest" 20 equal "mail_queued" 20
is "nothing bounced" "$(mail_count bounced)" 0
LAB_GOOGLE="limits = [ \"20 connections/hour\" ]; $only_mx1" LAB_YAHOO="limits = [ \"40 connections/hour\" ]; $only_mx1" config_write
ok "a reload raises the limit" mx reload
eventually "and Postfix sends the rest" 40 equal "mail_queued" 0
is "what was sent before counts" "$(quota mx1 yahoo hour used)" 30
is "no connection came from another address" "$(receiver_strangers)" 0
mta_stop

daemon_stop
daemon_start
is "after a restart the count is the same" "$(quota mx1 yahoo hour used)" 30
like "and the limit still holds" "$(connect_tally mail -n 20 -f 1 198.51.100.10)" "ok 0 refused 20"
connect_tally mail -n 3 -f 1 198.51.100.30 > /dev/null
daemon_kill
daemon_start
ok "after a crash no less is counted" test "$(quota mx1 yahoo hour used)" -ge 33
connect_tally mail -n 20 -f 1 198.51.100.30 > /dev/null
ok "and no more than the limit is made" test "$(receiver_count yahoo -)" -le 40
like "status says what was lost" "$(mx -j status | json 'd["ledger"]["lost"]')" "^[0-9]+$"
ok "what was lost is at most a lease" test $((40 - $(receiver_count yahoo -))) -le 4
daemon_stop
done_testing

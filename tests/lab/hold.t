#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who has to wait waits in the queue, in order of arrival, and the MTA notices nothing but a slow connect.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# paced FILE: of connections that were begun 50 ms apart, one a second may be made: none before its time (a tenth early, since
# a clock's second is not the window's), and the last not a fifth after it. When each was made is counted from the first's
# begin, not from the one before: one that a busy machine delays makes the next seem early.
paced() {
	awk '$2 == "ok" { at = $5 + 50 * n; if (at < 900 * n) { print n " after " at " ms"; bad = 1 }; n++ }
		END { print "the last after " at " ms"; exit bad || at > 1200 * (n - 1) }' "$1"
}

# most_open: the most connections to that address that were open at once, as conntrack told it: the receivers may hear of
# a close only after the next has come.
most_open() {
	awk -v to="dst=$1" 'index($0, to) {
		match($0, /sport=[0-9]+/); sport = substr($0, RSTART, RLENGTH)
		if (/\[NEW\]/ && !open[sport]++) { if (++n > most) most = n }
		else if (/FIN_WAIT|CLOSE|TIME_WAIT|DESTROY/ && open[sport]) { n--; open[sport] = 0 }
	}
	END { print most + 0 }' "$LAB_DIR/events.out"
}

held_now() {
	mx -j stats | json "sum(h['now'] for h in d['held'])"
}

# attempts_in_order: of clients that came one after another the first is served first.
in_order() {
	awk '$2 == "ok" { if ($1 < last) exit 1; last = $1 }' "$1"
}

only_mx1='weights: { mx2 = 0; mx3 = 0; };'
lab_up
LAB_GOOGLE="limits = [ \"3600 connections/hour\" ]; pace = \"even\"; $only_mx1" \
	LAB_MICROSOFT="concurrency = 2; $only_mx1" LAB_YAHOO="concurrency = 2; wait = 0; $only_mx1" \
	LAB_DEFAULT="limits = [ \"400 connections/hour\" ]; pace = \"even\"; wait = 20; wait-max = 2; $only_mx1" config_write
daemon_start

connect mail -n 6 -r 20 -t 30 198.51.100.10 > "$LAB_DIR/paced"
like "a pace of one connection a second: six at once are all made" "$(tail -n 1 "$LAB_DIR/paced")" "ok 6 refused 0"
ok "in the order in which they came" in_order "$LAB_DIR/paced"
ok "about a second apart" paced "$LAB_DIR/paced"
is "stats tell of those that waited" "$(mx -j stats | json '[h["total"] for h in d["held"] if h["provider"] == "google"]')" "[5]"
is "nobody waits any more" "$(held_now)" 0

# wait-max = 2 at the default provider: of six, one goes, two wait, three are refused at once.
connect mail -n 6 -f 6 -t 30 203.0.113.40 > "$LAB_DIR/many" &
many=$!
refused_three() {
	[ "$(grep -c ' refused ' "$LAB_DIR/many")" -eq 3 ]
}
eventually "more than wait-max are refused at once" 5 refused_three
is "two wait" "$(held_now)" 2
like "explain says so" "$(mx explain 203.0.113.40)" "refuse|hold"
daemon_stop
wait "$many"
is "SIGTERM: those that waited go on by the fallback" "$(awk '$2 == "ok"' "$LAB_DIR/many" | wc -l)" 3
daemon_start

spawn events mail conntrack -E -p tcp --orig-port-dst 25
events_come() {
	connect mail -n 1 203.0.113.50 > /dev/null
	grep -q 'dst=203.0.113.50 ' "$LAB_DIR/events.out"
}
wait_for "conntrack tells" 10 events_come
connect mail -n 20 -f 5 -t 30 198.51.100.20 > "$LAB_DIR/two"
like "concurrency 2: five at once are all made, one after another" "$(tail -n 1 "$LAB_DIR/two")" "ok 20 refused 0"
wait_for "conntrack has told of all" 20 equal "grep -c 'NEW.*dst=198.51.100.20 ' '$LAB_DIR/events.out'" 20
end events
is "never more than two were open" "$(most_open 198.51.100.20)" 2
receivers_hold
spawn keeper mail $LAB_PYTHON "$lab_here/connect.py" -n 2 --keep 198.51.100.30
two_open() {
	[ "$(mx_count yahoo mx1)" -eq 2 ]
}
eventually "two connections stay open" 10 two_open
like "the third is refused without wait" "$(connect_tally mail -n 3 -f 1 198.51.100.30)" "ok 0 refused 3"
is "for that reason" "$(mx -j stats | json '[r["reason"] for r in d["refused"] if r["provider"] == "yahoo"]')" '["concurrency"]'
daemon_kill
daemon_start
like "a daemon that is started again knows them" "$(connect_tally mail -n 3 -f 1 198.51.100.30)" "ok 0 refused 3"
ok "somebody empties conntrack" at mail conntrack -F
like "the limit still holds" "$(connect_tally mail -n 1 -f 1 198.51.100.30)" "refused 1"
end keeper
receivers_release
served() {
	[ "$(connect_tally mail -n 1 198.51.100.30)" = "done 1 ok 1 refused 0 timeout 0 unreachable 0" ]
}
eventually "when they have closed, the next one is made" 10 served

is "no connection came from another address" "$(receiver_strangers)" 0
daemon_stop
done_testing

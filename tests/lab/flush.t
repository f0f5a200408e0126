#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Somebody flushes the ruleset, the table is loaded or reloaded, conntrack is flushed: on a host with live connections.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
live_open older mail -n 5 198.51.100.20
config_write
daemon_start
is "loading the table leaves live connections alone" "$(live_talk older)" 5
before=$(mx_count - -)
at mail conntrack -F 2> /dev/null
is "conntrack -F too" "$(live_talk older)" 5
is "none of them is decided" "$(mx_count - -)" "$before"

live_open translated mail -n 9 198.51.100.20
receivers_forget
connect_tally mail -n 600 -r 200 -t 20 198.51.100.10 > "$LAB_DIR/load.out" &
load=$!
for _ in 1 2 3 4 5; do
	at mail nft flush ruleset
	eventually "the table is back" 3 table_loaded
done
wait $load
like "flush ruleset under load: none fails for good" "$(cat "$LAB_DIR/load.out")" "ok 600 refused 0 timeout 0"
is "none left from a wrong address" "$(receiver_strangers)" 0
is "live connections go on" "$(live_talk translated)" 9
nok "status counts it" equal "mx -j status | json 'd[\"table\"][\"restored\"]'" 0
ok "the log says so" daemon_said "took the table inet mxload away: put back"
decides() {
	local before
	before=$(mx_count - -)
	connect mail 198.51.100.10 > /dev/null
	[ "$(mx_count - -)" -gt "$before" ]
}
eventually "the daemon decides again" 5 decides

before=$(mx_count - -)
at mail conntrack -F 2> /dev/null
known_again() {
	[ "$(at mail conntrack -L 2> /dev/null | grep -c "ESTABLISHED.*dst=198.51.100.20 .*mark=")" -ge 9 ]
}
eventually "conntrack -F: translated connections are put back" 5 known_again
is "and go on" "$(live_talk translated)" 9
is "none is decided again" "$(mx_count - -)" "$before"

{
	echo "table inet mxload { }; delete table inet mxload"
	cat "$LAB_DIR/fallback.nft"
} > "$LAB_DIR/reload.nft"
before=$(mx_count - -)
ok "the table is reloaded" at mail nft -f "$LAB_DIR/reload.nft"
is "live connections go on" "$(live_talk translated)" 9
is "none is decided again" "$(mx_count - -)" "$before"
eventually "the daemon decides again" 5 decides
at mail nft delete element inet mxload ours4 "{ $(source_address 1) }"
eventually "an element that somebody took out comes back" 5 at mail nft get element inet mxload ours4 "{ $(source_address 1) }"
is "still no wrong address" "$(receiver_strangers)" 0
ok "mxloadd ends in order" daemon_stop
nok "its shield goes with it" at mail nft list table inet mxload_shield
done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What it costs to learn addresses: the processor time that the daemon takes for 10,000 new ones within a minute, all of
# it: reading the answers, the decision's table, the file, the fallback. Beside it a minute of the same daemon at rest.

set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/lib.sh
. tests/lab/lib.sh

seconds=${1-60}
count=$((10000 * seconds / 60))

# spent: of the daemon, in clock ticks.
spent() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$(daemon_pid)/stat"
}

# measure COMMAND...: runs it; percent of one processor that the daemon took meanwhile.
measure() {
	local before began
	before=$(spent) began=$(now_ms)
	"$@"
	awk "BEGIN { printf \"%.2f\", ($(spent) - $before) / $(getconf CLK_TCK) / (($(now_ms) - $began) / 1000) * 100 }"
}

lab_up
config_write
sed -i 's/^    google: .*/    google: { mx = [ "google.com" ]; };/' "$LAB_DIR/mxload.conf"
daemon_start
at net ip address add 198.51.100.54/32 dev lo
spawn liar net $LAB_PYTHON tests/lab/dns_answer.py serve 198.51.100.54 53
wait_for "the server is there" 5 grep -q ready "$LAB_DIR/liar.out"
idle=$(measure read -r -t "$seconds" -N 1 < <(tail -f /dev/null))
ask() {
	at mail $LAB_PYTHON tests/lab/dns_answer.py many 198.51.100.54 "$count" "$(awk "BEGIN { print $count / $seconds }")" > /dev/null
	# The fallback gets what was learned once a minute: it counts, too.
	[ "$seconds" -lt 60 ] || wait_for "the fallback has it" 70 in_fallback
}
in_fallback() {
	[ "$(at mail nft list map inet mxload to4.1 | grep -c 100.64)" -gt 0 ]
}
busy=$(measure ask)
learned=$(mx -j providers google | json 'd["providers"][0]["learned"]')
echo "learning $count addresses in $seconds s: $busy % of one processor, at rest $idle %; $learned are known; target 1 %: $(
	awk "BEGIN { print $busy - $idle < 1 ? \"reached\" : \"above target\" }")"
daemon_stop

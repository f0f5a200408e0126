#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reloading under load: nothing is lost, mistakes change nothing, and a large policy stays small and quick.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

load() {
	connect_tally mail -n "$2" -r "$1" -t 20 198.51.100.10 > "$LAB_DIR/load.out" &
	load=$!
}
load_end() {
	wait "$load"
	tally=$(cat "$LAB_DIR/load.out")
}
generation() {
	mx -j status | json 'd["generation"]'
}
resident_at_most() {
	[ "$(resident_kb)" -le "$1" ]
}
# The milliseconds that the daemon's first thread, which reloads, was ready to run and others had the processors.
daemon_waited() {
	awk '{ print int($2 / 1000000) }' "/proc/$(daemon_pid)/schedstat"
}

lab_up
config_write
daemon_start
load 300 900
next=2
for weights in "1 1 1" "3 5 1" "0 1 1" "5 3 1"; do
	LAB_WEIGHTS=$weights config_write
	daemon_signal HUP
	wait_for "reloaded" 10 equal generation $next # two signals at once would be one
	next=$((next + 1))
done
is "SIGHUP reloads" "$(generation)" 5
load_end
like "under load: none is lost" "$tally" "ok 900"
is "none from a wrong address" "$(receiver_strangers)" 0
eventually "counters go on over reloads" 5 equal "mx_count - -" 900

sed -i 's/mx2 = 3/mx2 = 3; mx9 = 1/' "$LAB_DIR/mxload.conf"
like "a mistake: one line with the place and what was expected" "$(mx reload 2>&1)" \
	"^mxload: $LAB_DIR/mxload.conf:[0-9]+: members: unknown source \"mx9\": expected"
is "status 1" "$(mx reload 2> /dev/null; echo $?)" 1
is "the running policy stays" "$(generation)" 5
like "and works" "$(connect_tally mail -n 9 198.51.100.10)" "ok 9"
sed -i 's/; mx9 = 1//; 1i mark-mask = 0x00ff0000;' "$LAB_DIR/mxload.conf"
like "the mark mask is fixed while the rules are loaded" "$(mx reload 2>&1)" "mark-mask is fixed"

config_write
mx reload > /dev/null
ok "mxloadd ends in order" daemon_stop

# 1,000 sources, 50 providers, 10,000 prefixes.
at net ip route add 192.18.0.0/16 via 192.0.2.2
$LAB_PYTHON "$lab_top/tests/bench/policy.py" --directory "$LAB_DIR" > "$LAB_DIR/large.conf"
$LAB_PYTHON "$lab_top/tests/bench/policy.py" --addresses lo | at mail ip -batch -
cp "$LAB_DIR/mxload.conf" "$LAB_DIR/small.conf"
$LAB_PYTHON "$lab_top/tests/bench/policy.py" --directory "$LAB_DIR" \
	--catalogue "$lab_top/catalogue/providers.conf" > "$LAB_DIR/larger.conf"
daemon_start
load 1000 7000
best=1000000
for _ in 1 2 3; do
	cp "$LAB_DIR/large.conf" "$LAB_DIR/mxload.conf"
	began=$(($(now_ms) - $(daemon_waited)))
	mx reload > /dev/null || fail "a large policy is swapped in under load"
	took=$(($(now_ms) - $(daemon_waited) - began))
	diag "a large policy was compiled and swapped in within $took ms"
	[ $took -ge $best ] || best=$took
	cp "$LAB_DIR/small.conf" "$LAB_DIR/mxload.conf"
	mx reload > /dev/null || fail "and out again"
done
case $MXLOADD in
*/asan/*) skip "within a second" "a sanitizer is slow" ;;
*) ok "a large policy is swapped in within a second" test "$best" -lt 1000 ;;
esac
for _ in 1 2 3; do
	cp "$LAB_DIR/larger.conf" "$LAB_DIR/mxload.conf"
	began=$(now_ms)
	mx reload > /dev/null || fail "with the catalogue"
	diag "with the catalogue it took $(($(now_ms) - began)) ms"
	cp "$LAB_DIR/small.conf" "$LAB_DIR/mxload.conf"
	mx reload > /dev/null || fail "and out again"
done
load_end
like "1,000 connections a second go on, none is lost" "$tally" "ok 7000"
daemon_stop
# takes_at_most FILE KILOBYTES WHAT NAME: the memory of a policy, without what was sent before: each source and each lane
# that was used has an account, of 1 KB at most.
takes_at_most() {
	local used resident
	rm -f "$LAB_DIR"/ledger.db*
	cp "$LAB_DIR/$1" "$LAB_DIR/mxload.conf"
	ok "starts $3" daemon_start
	connect mail -n 500 198.51.100.10 > /dev/null
	resident=$(resident_kb)
	used=$(mx -j stats | json 'sum(1 for l in d["lanes"] if l["connections"])')
	diag "resident $3: $resident KiB, $used lanes were used"
	case $MXLOADD in
	*/asan/*) skip "$4" "a sanitizer has its own memory" ;;
	*)
		ok "$4" test "$resident" -le $(($2 + 2 * used))
		eventually "nor does a list of all lanes stay in memory" 5 resident_at_most $((resident + 1024))
		;;
	esac
	ok "mxloadd ends in order" daemon_stop
}
takes_at_most large.conf 12288 "with the large policy" "at most 12 MB resident"
takes_at_most larger.conf 14336 "with the catalogue besides, where concurrency is limited" "the catalogue costs at most 2 MB more"
done_testing

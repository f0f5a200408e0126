#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Calls that fail in turn: at each place of the daemon where memory is asked for, something is sent to the kernel, or the
# ledger's file is used, that fails once, while the daemon starts, works and leaves. It goes on, or it ends with one clear
# line; it never crashes or hangs, no connection comes from a wrong address, and nothing that was counted is lost.
# Settings: tests/fault/fail.sh.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
# shellcheck source=tests/fault/fail.sh
. "$(dirname "$0")/fail.sh"

real=$MXLOADD

# begin: the daemon, with what fails. Fails when it has not come up.
begin() {
	lab_log_from=$(($(wc -c < "$LAB_DIR/mxloadd.log") + 1))
	FAIL_FILE=$fail_path LAB_PRELOAD=$lab_top/build/fault/fail.so MXLOADD=$LAB_DIR/mxloadd daemon_start > /dev/null 2>&1
}
# work: some of everything, whether or not the daemon is still there.
work() {
	connect_tally mail -n 6 -t 5 198.51.100.10
	for command in "weight mx1 google 3" "pause mx2 google --for 60" status "resume mx2 google" "settle mx1 google --sent 2" \
		"factor mx1 google 0.5" "factor mx1 google 1" stats sources quota "explain 198.51.100.10" flows "weight --reset mx1 google" reload; do
		# shellcheck disable=SC2086 # words
		timeout 10 ip netns exec "$(lab_ns "$LAB_HOST")" "$MXLOAD" -s "$LAB_DIR/control.sock" $command
	done
	at "$LAB_HOST" dig +tries=1 +time=1 google.example MX @"$lab_resolver"
	connect_tally mail -n 3 -t 5 198.51.100.20
} > /dev/null 2>&1
# finish: 0 it ended in order, 1 it had ended with a line that says why, 2 neither.
finish() {
	local status
	end mxloadd
	status=$?
	trouble="status $status"
	[ $status -ne 0 ] || return 0
	[ $status -eq 1 ] && daemon_said "^mxloadd: error: " && return 1
	return 2
}
booked() {
	mx -j quota | json "sum(q['used'] for q in d['quotas'] if q['period'] == 'week' and not q['provider'])"
}
# compare: started well, the ledger has at least what was made.
compare() {
	daemon_start > /dev/null || return 1
	made=$(receiver_count - -)
	counted=$(booked)
	daemon_stop
	[ "$counted" -ge "$made" ]
}

lab_up
ulimit -c 0
fail_path=$LAB_DIR/fail
cat > "$LAB_DIR/mxloadd" << EOF
#!/bin/sh
exec setarch -R "$real" "\$@"
EOF
chmod 755 "$LAB_DIR/mxloadd"
# shellcheck disable=SC2034 # config_write reads them
LAB_MX1='limits = [ "1000000 connections/week" ];' LAB_MX2=$LAB_MX1 LAB_MX3=$LAB_MX1
config_write
fail_file 0
for n in 1 2 3; do
	ok "round $n of noting places: all is well" begin
	work
	ok "and ends well" finish
done
count=$(fail_field count)
ok "places are known ($count)" test "$count" -gt $((kinds & 1 ? 200 : 20))

tried=0 failed=0 went_on=0 ended=0
bad=()
for place in $(fail_places); do
	fail_file "$place"
	begin
	work
	finish
	case $? in
	0) went_on=$((went_on + 1)) ;;
	1) ended=$((ended + 1)) ;;
	*)
		bad+=("$place")
		diag "place $place: $trouble" "$(daemon_log | tail -n 3)"
		;;
	esac
	tried=$((tried + 1))
	failed=$((failed + $(fail_field failed)))
	[ -z "${FAULTS_ONLY-}" ] || diag "place $place: $(fail_field failed) failed, $trouble" "$(daemon_log | grep -E 'error|warning' | tail -n 3)"
	[ $((tried % 50)) -ne 0 ] || diag "$tried tried, $failed failed, ${#bad[@]} badly"
	if [ $((tried % 25)) -eq 0 ]; then
		compare || bad+=("books after $place: $counted of $made")
	fi
done
is "each fault was survived, or ended with a clear line" "${bad[*]-}" ""
diag "$tried places, reached $failed: the daemon went on after $went_on, and ended with a line that says why after $ended"
ok "most of them were reached" test $((failed * 10)) -ge $((tried * 6))
ok "nothing that was made is missing in the ledger" compare
diag "made $made, counted $counted"
is "none came from another address" "$(receiver_strangers)" 0
done_testing

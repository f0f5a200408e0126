# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# tap.sh - what a test says (TAP), and waiting with a bound.

tap_planned=
tap_count=0
tap_failed=0
tap_output=
# Nothing is ever said here: reading it with a bound is a sleep that costs no process. Where all is slow, looking often takes
# the time from what is waited for.
exec {tap_silence}<> <(:)
tap_pause=0.05
[ "${LAB_PATIENCE:-1}" -le 1 ] || tap_pause=0.25

# plan N: announce N tests (otherwise done_testing counts them).
plan() {
	tap_planned=$1
	echo "1..$1"
}

# diag TEXT...: a remark, shown by prove and by people.
diag() {
	printf '%s\n' "$*" | sed 's/^/# /' >&2
}

# tap_result STATUS NAME: one test line; the functions below use it. Returns STATUS.
tap_result() {
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
	fi
	return "$1"
}

# pass NAME / fail NAME: a test that was decided elsewhere.
pass() {
	tap_result 0 "$1"
}
fail() {
	tap_result 1 "$1"
}

# tap_run COMMAND...: run it in this shell (so that it may change variables and wait for children); its output is in tap_output.
tap_run() {
	local file status
	file=$(mktemp "${LAB_DIR:-${TMPDIR:-/tmp}}/tap-XXXXXX")
	"$@" > "$file" 2>&1
	status=$?
	tap_output=$(< "$file")
	rm -f "$file"
	return $status
}

# ok NAME COMMAND...: the command succeeds.
ok() {
	local name=$1 status
	shift
	tap_run "$@"
	status=$?
	tap_result $((status != 0)) "$name" && return
	diag "command: $*"
	diag "status: $status"
	[ -z "$tap_output" ] || diag "$tap_output"
	return 1
}

# nok NAME COMMAND...: the command fails.
nok() {
	local name=$1
	shift
	if tap_run "$@"; then
		tap_result 1 "$name"
		diag "succeeded: $*"
		[ -z "$tap_output" ] || diag "$tap_output"
		return 1
	fi
	tap_result 0 "$name"
}

# is NAME GOT EXPECTED: both texts are the same.
is() {
	[ "$2" = "$3" ]
	tap_result $? "$1" && return
	diag "got:      $2"
	diag "expected: $3"
	return 1
}

# isnt NAME GOT UNEXPECTED: the texts differ.
isnt() {
	[ "$2" != "$3" ]
	tap_result $? "$1" && return
	diag "got:      $2"
	diag "expected: anything else"
	return 1
}

# like NAME TEXT PATTERN: the text matches the extended regular expression.
like() {
	[[ $2 =~ $3 ]]
	tap_result $? "$1" && return
	diag "got:      $2"
	diag "expected: matches $3"
	return 1
}

# near NAME GOT EXPECTED TOLERANCE: numbers (fractions allowed) that differ by at most TOLERANCE.
near() {
	awk -v got="$2" -v expected="$3" -v by="$4" \
		'BEGIN { d = got - expected; exit !(got != "" && d <= by && -d <= by) }'
	tap_result $? "$1" && return
	diag "got:      $2"
	diag "expected: $3, give or take $4"
	return 1
}

# skip NAME REASON: a test that cannot be made here.
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all REASON: nothing of this file can be tested here; leaves the script.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# bail TEXT: no test can go on; leaves the script.
bail() {
	echo "Bail out! $*"
	exit 1
}

# done_testing: the last line of a test; its exit status is that of the script.
done_testing() {
	[ -n "$tap_planned" ] || echo "1..$tap_count"
	[ "${tap_planned:-$tap_count}" -eq "$tap_count" ] || diag "planned $tap_planned tests, made $tap_count"
	[ "$tap_failed" -eq 0 ] && [ "${tap_planned:-$tap_count}" -eq "$tap_count" ]
}

# now_ms: milliseconds of a steady clock.
now_ms() {
	local up
	read -r up _ < /proc/uptime
	echo $((10#${up/./} * 10))
}

# wait_for "DESCRIPTION" SECONDS COMMAND...: until the command succeeds; says in vain what it waited for. LAB_PATIENCE times
# as long: an emulated machine that shares its processors is slow, and no less right.
wait_for() {
	local what=$1 seconds=$(($2 * ${LAB_PATIENCE:-1})) end
	shift 2
	end=$(($(now_ms) + seconds * 1000))
	until "$@" > /dev/null 2>&1; do
		if [ "$(now_ms)" -ge "$end" ]; then
			diag "waited $seconds s in vain: $what"
			return 1
		fi
		read -r -t $tap_pause -u "$tap_silence" || true
	done
}

# eventually NAME SECONDS COMMAND...: a test: the command succeeds within that time.
eventually() {
	wait_for "$@"
	tap_result $? "$1"
}

# equal GOT-COMMAND EXPECTED: for wait_for and eventually: what the command line prints is EXPECTED.
equal() {
	[ "$(eval "$1")" = "$2" ]
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Nobody hears DNS answers, and no address is configured: whose an unknown destination is comes from the name of its
# address, for the next connection, when the name's own DNS says the same.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# status_dns WORD: a number of status.
status_dns() {
	mx -j status | json "d['dns']['$1']"
}


# first_and_second ADDRESS PROVIDER: how many connections the provider got by one, and then by two more.
first_and_second() {
	local before asked confirmed
	before=$(mx_count "$2" -)
	asked=$(status_dns reversed)
	confirmed=$(status_dns confirmed)
	connect mail -n 1 "$1" > /dev/null
	is "$1 belongs to nobody at first" "$(mx_count "$2" -)" "$before"
	eventually "its name is asked for, and confirmed" 5 equal "status_dns confirmed" $((confirmed + 1))
	connect mail -n 2 "$1" > /dev/null
	is "then it belongs to $2" "$(mx_count "$2" -)" $((before + 2))
	is "it was asked for once" "$(status_dns reversed)" $((asked + 1))
}

[ -e "$lab_top/build/fault/clock.so" ] || bail "no build/fault/clock.so: make lab builds it"
lab_up
export CLOCK_AHEAD=$LAB_DIR/ahead LAB_PRELOAD=$lab_top/build/fault/clock.so
# alpha calls itself a host of google's, which google does not know; beta has the name of one that is elsewhere
resolver_change 's/^host-record=mx\.\(alpha\|beta\)\.example.*/#&/' 'log-queries' \
	'ptr-record=40.113.0.203.in-addr.arpa,nobody.l.google.com' \
	'ptr-record=50.113.0.203.in-addr.arpa,gmail-smtp-in.l.google.com'
config_write
sed -i 's/^    google: .*/    google: { mx = [ "google.com" ]; };/
	s/^    microsoft: .*/    microsoft: { mx = [ "protection.outlook.com" ]; };/
	s/^    yahoo: .*//' "$LAB_DIR/mxload.conf"
spawn holder mail $LAB_PYTHON "$lab_here/hold_log_group.py" 2553
wait_for "the log group is taken" 5 grep -q ready "$LAB_DIR/holder.out"
daemon_start
is "no answers are heard" "$(status_dns heard)" false

first_and_second 198.51.100.10 google
first_and_second 2001:db8:100:2::20 microsoft

# --- names that are not confirmed, and addresses that have none ------------------------------------------------------
job_pids=
before=$(mx_count google -)
asked=$(status_dns reversed)
confirmed=$(status_dns confirmed)
for address in 203.0.113.40 203.0.113.50 2001:db8:100:a::40; do
	connect mail -n 1 "$address" > /dev/null
done
eventually "names are asked for" 5 equal "status_dns reversed" $((asked + 3))
eventually "and both of google's looked up" 5 grep -q 'query\[A\] nobody.l.google.com' "$LAB_DIR/resolver.out"
# Another address, asked for behind them, is known when all has been answered.
connect mail -n 1 198.51.100.11 > /dev/null
eventually "one that comes behind them is confirmed" 5 equal "status_dns confirmed" $((confirmed + 1))
for address in 203.0.113.40 203.0.113.50 2001:db8:100:a::40; do
	connect mail -n 2 "$address" > /dev/null
done
is "who only says that he is google is not believed" "$(mx_count google -)" "$before"
is "and not asked for again" "$(status_dns reversed)" $((asked + 4))

# --- a day later -----------------------------------------------------------------------------------------------------
echo 86500 > "$CLOCK_AHEAD"
connect mail -n 1 203.0.113.40 > /dev/null
eventually "a day later it is asked for again" 5 equal "status_dns reversed" $((asked + 5))

# --- many ------------------------------------------------------------------------------------------------------------
ip -n "$(lab_ns net)" route add local 203.0.113.128/25 dev lo
at net nft 'add rule inet lab arrive ip daddr 203.0.113.128/25 tcp dport 25 reject with tcp reset'
asked=$(status_dns reversed)
begun=$(now_ms)
for n in {130..149}; do
	connect mail -n 1 "203.0.113.$n" > /dev/null &
	job_pids+=" $!"
done
# shellcheck disable=SC2086
wait $job_pids
eventually "twenty unknown addresses are asked for" 20 equal "status_dns reversed" $((asked + 20))
took=$(($(now_ms) - begun))
ok "but at most five a second (took $took ms)" [ "$took" -ge 3800 ]

# --- addresses that no DNS knows -------------------------------------------------------------------------------------
asked=$(status_dns reversed)
ip -n "$(lab_ns net)" route add local 10.9.0.0/24 dev lo
connect mail -n 1 10.9.0.1 > /dev/null
connect mail -n 1 203.0.113.150 > /dev/null
eventually "a public one is asked for" 5 equal "status_dns reversed" $((asked + 1))
is "a private one is not" "$(grep -c '10.in-addr.arpa' "$LAB_DIR/resolver.out")" 0

# --- silence ---------------------------------------------------------------------------------------------------------
resolver_silent
connect mail -n 30 203.0.113.{160..189} > "$LAB_DIR/strangers"
longest=$(awk '$2 == "refused" && $5 > most { most = $5 } END { print int(most) }' "$LAB_DIR/strangers")
is "connections to strangers are decided while nobody answers" "$(tail -n 1 "$LAB_DIR/strangers")" \
	"done 30 ok 0 refused 30 timeout 0 unreachable 0" # no mail is taken there
ok "none waits as long as a question does (at most $longest ms)" [ "$longest" -lt 2000 ]
eventually "eight questions are open" 5 equal "status_dns reversed" $((asked + 9))
begun=$(now_ms)
mx status > /dev/null
took=$(($(now_ms) - begun))
ok "and the daemon says how it is ($took ms)" [ "$took" -le 500 ]
is "no more than eight" "$(status_dns reversed)" $((asked + 9))
ok "the daemon ends in order" daemon_stop
done_testing

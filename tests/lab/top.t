#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mxload top on a terminal (that of tmux): what it shows is what stats and quota say, also when the daemon has gone and come
# back; keys, sizes, colours; and the terminal is as it was before.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/screen.sh
. "$(dirname "$0")/screen.sh"

# top_with [VARIABLE=VALUE...] [-- OPTION...]: mxload top runs in the terminal.
top_with() {
	local environment=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		environment+=("$1")
		shift
	done
	run_in_shell "env ${environment[*]} $MXLOAD -s $LAB_DIR/control.sock top -d 0.2 ${*:2}; echo status=\$?"
}
# lanes: the lines of lanes, from the headings to the foot.
lanes() {
	shown | awk '/^SOURCE / { inside = 1; next } / h help |^filter: |: trying again/ { inside = 0 } inside && NF' | sed 's/ *$//'
}
# column N: of these lines, in one.
column() {
	lanes | awk -v n="$1" '{ print $n }' | xargs
}
# figures: source, provider, weight, share, expected share, connections, failed of each lane that has some, by names.
figures() {
	lanes | awk '$7 { print $1, $2, $3, $5, $6, $7, $8 }' | sort
}
stats_figures() {
	mx -j stats | json "'\n'.join(sorted('%s %s %d %.1f%% %.1f%% %d %d' % (l['source'], l['provider'], l['weight'], 100 * l['share'],
		100 * l['expected_share'], l['connections'], l['failed']) for l in d['lanes'] if l['connections']))"
}
as_stats() {
	[ "$(figures)" = "$(stats_figures)" ]
}
# limits: used and most of each lane at google on the screen, and by quota: that of the hour is the fullest.
limits() {
	lanes | awk '$2 == "google"' | grep -oE '^[a-z0-9]+|[0-9]+/[0-9]+ conn/hour' | paste -d ' ' - - | sort
}
quota_limits() {
	mx -j quota | json "'\n'.join(sorted('%s %d/%d conn/hour' % (q['source'], q['used'], q['limit']) for q in d['quotas']
		if q['provider'] == 'google' and q['period'] == 'hour'))"
}
as_quota() {
	[ "$(limits)" = "$(quota_limits)" ]
}
# descending COLUMN / ascending COLUMN: the lines are in that order.
descending() {
	lanes | awk -v n="$1" '{ print $n + 0 }' | sort -C -g -r
}
ascending() {
	lanes | awk -v n="$1" '{ print $n }' | LC_ALL=C sort -C
}
# widest: the columns of the longest line.
widest() {
	shown | awk '{ sub(/ *$/, "") } length > most { most = length } END { print most + 0 }'
}
terminal_state() {
	stty -g < "$terminal"
}

lab_up
screen_folder=$LAB_DIR
LAB_GOOGLE='limits = [ "40 connections/hour", "400 connections/day" ];' config_write
daemon_start
connect_tally mail -n 54 -f 1 198.51.100.10 > /dev/null
connect_tally mail -n 9 198.51.100.20 > /dev/null

out=$(mx top < /dev/null 2>&1)
is "no terminal: status 2, and what else to use" "$? $out" "2 mxload: top needs a terminal; mxload stats prints the same figures"
at mail tmux -u -f /dev/null -S "$LAB_DIR/tmux" new-session -d -x 160 -y 24 "PS1='ready> ' LC_ALL=C.UTF-8 exec /bin/sh" || bail "no tmux"
terminal=$(screen display-message -p '#{pane_tty}')
wait_for "a shell" 10 shows '^ready>'
run_in_shell "echo before"
wait_for "it has echoed" 10 shows '^before'
before=$(terminal_state)

# --- what is shown

top_with
eventually "lines of lanes" 20 shows '^mx1 +google '
eventually "the figures are those of stats" 20 as_stats
is "every lane of the policy is there" "$(lanes | wc -l)" 12
is "limits are those of quota, the fullest one" "$(limits)" "$(quota_limits)"
like "as a bar" "$(lanes | grep -E '^mx1 +google ')" ' \[#######\.\.\.\] 30/40 conn/hour '
like "engine, mode, uptime" "$(shown | head -n 1)" "^engine queue  mode enforce  up [0-9]+[sm]  "
connect_tally mail -n 18 -f 1 198.51.100.30 > /dev/null
eventually "what is sent now has a rate" 20 shows '^mx1 +yahoo +5 +[1-9][0-9]*\.[0-9] '
eventually "and so has the whole" 20 shows '  rate [1-9][0-9]*\.[0-9]/min  '
eventually "the figures go on" 20 as_stats
is "the busiest stand first" "$(column 2 | cut -d ' ' -f 1-3)" "yahoo yahoo yahoo"
mx pause mx2 yahoo --for 2h --reason "421 höflich" > /dev/null
eventually "a pause: how long, whose, why" 20 shows '^mx2 +yahoo .* paused 1h59m by operator: 421 höflich$'
like "in colour, too" "$(colours | grep yahoo | grep mx2)" $'\x1b\\[[0-9;]*31m *paused'
mx drain mx3 microsoft > /dev/null
eventually "draining" 20 shows '^mx3 +microsoft .* draining by operator'
mx resume mx3 microsoft > /dev/null
connect mail -n 40 198.51.100.10 > /dev/null
eventually "a limit that is reached" 20 shows '^mx1 +google .*\[##########\] 40/40 conn/hour +full: limit-hour$'
for source in mx1 mx3; do mx pause $source yahoo > /dev/null; done
connect mail -n 1 198.51.100.30 > /dev/null
eventually "refused connections" 20 shows '  refused [1-9]'
eventually "the figures are still those of stats" 20 as_stats

# --- keys

press S
eventually "sorted by source" 10 ascending 1
press r
eventually "reversed" 10 shows ', reversed'
is "it is" "$(column 1 | cut -d ' ' -f 1,12)" "mx3 mx1"
press r C
eventually "sorted by connections" 10 descending 7
press '<' '<'
eventually "sorted by the column two to the left, shares" 10 descending 5
press '>' '>' '>'
eventually "sorted by the column three to the right, failed: alike, by names" 10 ascending 2
press T
eventually "sorted by state: those that rest first" 10 equal "column 2 | cut -d ' ' -f 1-3" "yahoo yahoo yahoo"
press / g o o g
eventually "a filter shows while it is typed" 10 shows '^filter: goog_$'
eventually "and holds already" 10 equal "column 2" "google google google"
press Enter
eventually "kept" 10 shows '^1-3 of 3 lanes, with goog '
press / BSpace BSpace BSpace BSpace p a u s e d Enter
eventually "of a state" 10 equal "column 2" "yahoo yahoo yahoo"
press / Escape
eventually "taken back" 10 shows '^1-12 of 12 lanes  h help'
press b
eventually "only what is busy" 10 shows ', busy '
is "that is all that was used in the last minute" "$(lanes | grep -c ' 0\.0  ')" 0
press b g S
eventually "sums of sources" 10 equal "column 1" "mx1 mx2 mx3"
sum=$(mx_count - mx1)
is "they are sums" "$(lanes | awk '$1 == "mx1" { print $6 }')" "$sum"
press g
eventually "of providers" 10 shows '^1-4 of 4 providers'
press g h
eventually "help" 10 shows '^g +lanes, or their sums'
press h w
eventually "warnings" 10 shows '^no warnings'
press w ' '
eventually "stopped" 10 shows ', STOPPED'
press ' '
eventually "going on" 10 lacks STOPPED

# --- sizes

screen resize-window -x 40 -y 8
eventually "40 x 8: the columns that matter most" 10 equal "shown | grep SOURCE | xargs" "SOURCE PROVIDER RATE/MIN STATE"
ok "no line is longer" test "$(widest)" -le 40
is "the foot is the last line" "$(shown | tail -n 1 | cut -d ' ' -f 1-4)" "1-3 of 12 lanes"
press End
eventually "End" 10 shows '^10-12 of 12 lanes'
press Up
eventually "Up" 10 shows '^9-11 of 12 lanes'
press PPage
eventually "PgUp" 10 shows '^7-9 of 12 lanes'
press NPage Down
eventually "PgDn, Down" 10 shows '^10-12 of 12 lanes'
press Home
eventually "Home" 10 shows '^1-3 of 12 lanes'
press h End
eventually "the help's end" 10 shows '^ +the one that is fullest$'
press h
screen resize-window -x 160 -y 24
eventually "wide again: all columns" 10 equal "shown | grep SOURCE | xargs" \
	"SOURCE PROVIDER WEIGHT RATE/MIN SHARE EXPECTED CONNECTIONS FAILED LIMIT STATE"

# --- the daemon goes and comes

daemon_kill
eventually "no daemon: it says so" 20 shows "^no daemon at $LAB_DIR/control.sock: .*: trying again"
is "and keeps what it knew" "$(lanes | wc -l)" 12
daemon_start
eventually "it is found again" 20 shows '^1-12 of 12 lanes'
connect_tally mail -n 9 198.51.100.20 > /dev/null
eventually "and its figures are shown" 20 as_stats
config_write 'exempt = [ "203.0.113.0/24" ];'
sed -i 's/mx3 = 1;//' "$LAB_DIR/mxload.conf"
mx reload > /dev/null
eventually "another policy: other lanes" 20 shows ' of 9 lanes|of 8 lanes'

# --- leaving

press q
eventually "q: status 0" 20 shows '^status=0'
ok "the text of before is there again" shows '^before'
is "and so is the terminal's state" "$(terminal_state)" "$before"
run_in_shell clear
top_with
eventually "once more" 20 shows '^mx1 +google '
isnt "the terminal is in another state" "$(terminal_state)" "$before"
kill -TERM "$(pgrep -t "${terminal#/dev/}" -x mxload)"
eventually "SIGTERM: status 0" 20 shows '^status=0'
is "the terminal is as it was" "$(terminal_state)" "$before"
run_in_shell clear
top_with
wait_for "once more" 20 shows '^mx1 +google '
press C-c
eventually "Ctrl-C: status 0" 20 shows '^status=0'
is "the terminal is as it was then" "$(terminal_state)" "$before"

# --- a daemon that answers slowly: what is on the screen stays, whole, until all answers are there

spawn slow mail "$lab_here/slow.py" "$LAB_DIR/slow.sock" "$LAB_DIR/control.sock"
wait_for "it listens" 10 grep -q ready "$LAB_DIR/slow.out"
run_in_shell clear
run_in_shell "$MXLOAD -s $LAB_DIR/slow.sock top -d 0.2; echo status=\$?"
wait_for "lines of lanes" 20 shows '^mx1 +google '
names() {
	lanes | awk '{ print $1, $2, $3 }'
}
all=$(names) seen=0 torn=0
end_at=$(($(now_ms) + 3000))
while [ "$(now_ms)" -lt "$end_at" ]; do
	[ "$(names)" = "$all" ] || torn=$((torn + 1))
	seen=$((seen + 1))
done
is "whole, each time that it is looked at" "$torn" 0
ok "it was looked at often ($seen)" test $seen -gt 20
press q
eventually "it leaves" 20 shows '^status=0'
end slow

# --- other terminals

run_in_shell clear
top_with NO_COLOR=1
wait_for "without colours" 20 shows '^mx1 +google '
is "NO_COLOR: none" "$(colours | grep -c $'\x1b\\[[0-9;]*3[0-7]m')" 0
press q
wait_for "it leaves" 10 shows '^status=0'
run_in_shell clear
top_with TERM=vt100
eventually "TERM without colours" 20 shows '^mx2 +yahoo .* paused '
press q
wait_for "it leaves" 10 shows '^status=0'
run_in_shell clear
top_with TERM=nothing-like-it
eventually "an unknown TERM: status 2" 10 shows '^status=2'
daemon_stop
run_in_shell clear
top_with
eventually "no daemon from the start: status 3" 10 shows '^status=3'

# --- 25,000 lanes

spawn many mail "$lab_here/many_lanes.py" "$LAB_DIR/many.sock" 250 100
wait_for "it listens" 20 test -S "$LAB_DIR/many.sock"
run_in_shell clear
run_in_shell "$MXLOAD -s $LAB_DIR/many.sock top -d 0.1"
eventually "all lanes" 60 shows ' of 25000 lanes'
press C
eventually "in order" 60 shows '^mx249 +provider99 .* 24999 '
press End
eventually "to the end" 60 shows '^mx0 +provider0 .* paused by operator: \\x1b\[2Jcleared\\x07$'
press g
eventually "their sums" 60 shows '^1-[0-9]+ of 250 sources'
press q
eventually "it leaves" 20 shows '^ready>'
end many
screen_end
done_testing

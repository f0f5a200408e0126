#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mxsim: what it says is counted again from its trace, one connection after another (tests/sim/check.py).

set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh
mxsim=$(realpath "${MXSIM:-build/mxsim}")
check=$(realpath tests/sim/check.py)
page=$(realpath doc/mxsim.1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
case $mxsim in
*/asan/*) slow=1 ;;
*) slow= ;;
esac

# conf NAME TEXT: a configuration with one pool for all. The sources of TEXT stand in `sources`.
conf() {
	printf 'catalogue = "";\n%s\nroutes = ( { pool = "main"; } );\n' "$2" > "$1.conf"
}

# run ARGUMENT...: output and errors in $out, status in $status.
run() {
	out=$("$mxsim" "$@" 2>&1)
	status=$?
}

# begun ARGUMENT...: mxsim from a day that is always the same: from today, a week of its would begin elsewhere every day.
begun() {
	"$mxsim" --start 2026-11-01 "$@"
}

# sim NAME ARGUMENT...: a run of NAME.conf; table, JSON, CSV and trace go to NAME.out, .json, .csv, .trace.
sim() {
	local name=$1
	shift
	begun -c "$name.conf" "$@" > "$name.out" &&
		begun -c "$name.conf" "$@" --csv "$name.csv" --trace "$name.trace" -j > "$name.json"
}

# figure NAME KEY...: a value of NAME.json.
figure() {
	local name=$1
	shift
	"$check" value "$name.json" "$@"
}

conf three '
sources: { mx1: { address = "192.0.2.1"; }; mx2: { address = "192.0.2.2"; }; mx3: { address = "192.0.2.3"; }; };
pools: { main: { members: { mx1 = 5; mx2 = 3; mx3 = 1; }; }; };
providers: { isp: { prefixes = [ "198.51.100.0/24" ]; }; named: { mx = [ "example.net" ]; }; };'

# --- usage

run --help
is "--help: status 0" "$status" 0
like "it says how it is called" "$out" "^usage: mxsim -c FILE --rate RATE"
is "every option of --help is in the page, and no other" \
	"$(grep -oE -- '--[a-z-]+' <<< "$out" | sort -u | grep -vxE -- '--(help|version)')" \
	"$(grep -oE '^\.It Fl .*' "$page" | grep -oE 'Fl -[a-z-]+' | sed 's/Fl /-/' | sort -u)"
while read -r arguments; do
	# shellcheck disable=SC2086
	run -c three.conf $arguments
	is "wrong usage, status 2: mxsim $arguments" "$status" 2
done << 'END'

-r
-r many
-r 100
-r 100/week
-r isp=/day
-r 2000000000/day
-r 50000000/hour
-r 100/day --days 0
-r 100/day --days 4000
-r 100/day --days 3x
-r 100/day --pattern flat
-r 100/day --retry 5
-r 100/day --retry 90s
-r 100/day --retry 5m,,5m
-r 100/day --lifetime 0m
-r 100/day --networks 65537
-r 100/day --messages-per-connection 0
-r 100/day --duration 0
-r 100/day --seed x
-r 100/day --hourly
-r 100/day --wrong
-r 100/day stray
END
run -c three.conf -r 100
is "it says what was expected" "${out%%$'\n'*}" \
	"mxsim: --rate 100: expected N/day or N/hour, or PROVIDER=N/day, with at most 1000000000 a day"
run -c nothing.conf -r 1/day
is "no configuration: status 1" "$status" 1
echo 'sources: { mx1: { address = "192.0.2.1"; }; }; colour = "red";' > wrong.conf
run -c wrong.conf -r 1/day
like "a mistake in it: one line with file and line" "$status $out" "^1 mxsim: wrong.conf:1: [^"$'\n'"]*$"
run -c three.conf -r ips=100/day
is "a provider that there is not" "$status $out" "1 mxsim: --rate ips: expected a provider of three.conf"
run -c three.conf -r 1/day --class bulk
is "a class that there is not" "$status $out" "1 mxsim: --class bulk: expected a class of three.conf"
run -c three.conf -r 0/day
is "no mail" "$status $out" "1 mxsim: --rate: expected some mail"
for day in 2026-02-30 tomorrow 2026-11-01x; do
	run -c three.conf -r 1/day --start "$day"
	is "no date: $day" "$status $out" "1 mxsim: --start $day: expected a date, 2026-11-01"
done
run -c three.conf -r 1/day --csv /dev/full
like "a file that cannot be written" "$status $out" "^1 mxsim: /dev/full: No space left"
run -c three.conf -r 1/day --html no/such/folder
like "nor be made" "$status $out" "^1 mxsim: no/such/folder: No such file"
conf covered '
sources: { mx1: { address = "192.0.2.1"; }; };
pools: { main: { members: { mx1 = 1; }; }; };
providers: { all: { prefixes = [ "0.0.0.0/0" ]; }; inner: { prefixes = [ "198.51.100.0/24" ]; };
	hidden: { prefixes = [ "203.0.113.0/24" ]; }; inside: { prefixes = [ "203.0.113.0/25", "203.0.113.128/25" ]; }; };'
run -c covered.conf -r 0/day -r default=10/day
like "nobody is default" "$status $out" "^1 mxsim: default: the networks of its mail"
run -c covered.conf -r 0/day -r hidden=10/day
like "a provider that others cover" "$status $out" "^1 mxsim: hidden: the first address of each of its prefixes"

# --- shares

sim three --days 2 -r 0/day -r isp=2000/day --start 2026-11-01
ok "weights 5, 3, 1: never off by a connection" "$check" shares three.trace mx1=5 mx2=3 mx3=1
like "the table has the shares" "$(< three.out)" "mx1 +isp +5 +55.6 % +55.6 % +2223 +2223"
sim three --days 1 -r 0/day -r named=900/day --start 2026-11-01
is "a provider that is known by names gets its mail" "$(figure three providers 0 sent)" 900
run -c three.conf --days 30 -r 90000/day --networks 4096 --csv three.csv
near "sticky over many networks comes near the weights" \
	"$(awk -F, '$4 == "default" { all += $6 } $4 == "default" && $3 == "mx1" { n += $6 } END { print n / all }' three.csv)" \
	0.5556 0.02
conf six '
sources: { mx1: { address6 = "2001:db8::1"; }; mx2: { address6 = "2001:db8::2"; }; };
pools: { main: { members: { mx1 = 1; mx2 = 1; }; }; };
providers: { named: { mx = [ "example.net" ]; }; both: { prefixes = [ "198.51.100.0/24", "2001:db8:1::/48" ]; }; };'
sim six --days 1 -r 1000/day
is "sources with IPv6 alone: all is sent" \
	"$(figure six providers 0 sent) $(figure six providers 1 sent) $(figure six providers 2 sent)" "1000 1000 1000"

# --- patterns

hours() {
	begun -c three.conf --days 1 -r 0/day -r isp=24000/day --pattern "$1" --csv - --hourly |
		awk -F, '$3 == "" && $4 == "isp" { print $9 }'
}
is "even: each hour alike" "$(hours even | sort -u | tr -d '\n')" 1000
is "wave: most at 14:00, a ninth of it at 02:00" \
	"$(hours wave | awk '{ n[NR - 1] = $1; all += $1 } END { print all, (n[13] > n[12]), (n[14] > n[15]), (n[13] > 1700), (n[1] < 250) }')" \
	"24000 1 1 1 1"
begun -c three.conf --days 1 -r 0/day -r isp=24000/day --pattern burst --trace burst.trace > /dev/null
is "burst: the first minute of each hour" \
	"$(awk '{ minute[int($1 / 60) % 60]++ } END { for (m in minute) print m, minute[m] }' burst.trace)" "0 24000"
begun -c three.conf --start 2026-11-01 --days 1 --pattern blast --blast 999 --trace blast.trace > /dev/null
is "blast: at once at 09:00, to all providers alike" \
	"$(awk '{ n[$1 " " $3]++ } END { for (k in n) print k, n[k] }' blast.trace | sort | xargs)" \
	"$(for p in default isp named; do echo "$(date -u -d '2026-11-01 09:00' +%s).000 $p 333"; done | xargs)"
begun -c three.conf --days 1 -r 0/day -r isp=300/day -r named=100/day --blast 1000 -j > blast.json
is "a blast beside other mail, in proportion" \
	"$(figure blast providers provider=isp arrived) $(figure blast providers provider=named arrived)" "1050 350"

# --- warm-ups

# What SparkPost has published for an address in total, day by day.
sparkpost=(200 500 1000 2000 5000 10000 20000 40000 50000 75000 100000 150000 200000 250000 325000 400000 500000 600000
	750000 1000000 1250000 1750000 2000000 3000000 4250000 5000000 6000000 7500000 10000000)
days=${slow:+20}
days=${days:-29}
conf spark '
sources: { mx1: { address = "192.0.2.1";
	warmup: { started = "2026-11-01"; schedule = "sparkpost"; scope = "source"; }; }; };
pools: { main: { members: { mx1 = 1; }; }; };
providers: { isp: { prefixes = [ "198.51.100.0/24" ]; }; };'
"$mxsim" -c spark.conf --days "$days" -r 2500000/day --csv spark.csv > spark.out
ok "SparkPost's ramp day by day to the message, over two providers: $days days" \
	"$check" ramp spark.csv mx1 "${sparkpost[@]:0:$days}"
like "the table has it too" "$(< spark.out)" \
	"warm-up of mx1 at all together.* $days  2026-11-${days}T00:00:..Z +${sparkpost[days - 1]} +${sparkpost[days - 1]}"$

conf grid '
sources: { mx1: { address = "192.0.2.1"; warmup: { started = "2026-11-01"; schedule = "sendgrid"; }; }; };
pools: { main: { members: { mx1 = 1; }; }; };
providers: { isp: { prefixes = [ "198.51.100.0/24" ]; }; };'
sim grid --days 12 -r 0/day -r isp=2000/hour
ok "SendGrid's hourly ramp: no hour above its cap, and each cap reached" "$check" hours grid.trace grid.json
is "its caps" "$(awk -F, '$3 == "mx1" { print $8 }' grid.csv | xargs)" "20 28 39 55 77 108 151 211 295 413 579 810"

conf slow '
schedules: { three: { daily = [ 10, 100, 1000 ]; }; };
sources: { mx1: { address = "192.0.2.1"; }; mx2: { address = "192.0.2.2";
	warmup: { started = "2026-11-03"; schedule = "three"; }; }; };
pools: { main: { members: { mx1 = 1; mx2 = 9; }; }; };
providers: { isp: { prefixes = [ "198.51.100.0/24" ]; }; };'
sim slow --start 2026-11-01 --days 8 -r 0/day -r isp=300/day
is "nothing before it starts; a day with too little mail is lived through again; the rest goes elsewhere" \
	"$(awk -F, '$3 == "mx2" { print ($5 > 260 ? "most" : $5) "/" $7 }' slow.csv | xargs) $(figure slow providers 0 sent)" \
	"0/ 0/ 10/1 100/2 most/3 most/3 most/3 most/3 2400"

# --- limits

conf limits '
sources: { mx1: { address = "192.0.2.1"; limits = [ "3000 connections/week" ]; }; mx2: { address = "192.0.2.2"; }; };
pools: { main: { members: { mx1 = 1; mx2 = 1; }; }; };
providers: { isp: { prefixes = [ "198.51.100.0/24" ]; limits = [ "90 messages/hour", "700 messages/day" ];
		total-limits = [ "1300 connections/day" ]; };
	busy: { prefixes = [ "203.0.113.0/24" ]; concurrency = 7; wait = 0; }; };'
sim limits --start 2026-11-02 --days 16 -r 0/day -r isp=2000/day -r busy=2000/day --pattern burst --duration 5
for limit in "1 90 mx1@isp" "1 90 mx2@isp" "24 700 mx2@isp" "24 1300 @isp" "168 3000 mx1@"; do
	read -r period most lane <<< "$limit"
	ok "never more than $most in any $period h, and nearly so many once: $lane" \
		"$check" rolling limits.trace "$period" "$most" "$lane"
done
ok "7 at once" "$check" at_once limits.trace 5 7 mx2@busy
is "the use of each is said to be 100 %" \
	"$(awk '/(messages|connections)\/|at once/ && !/mx1 +busy/ { print $(NF - 2) }' limits.out | sort | uniq -c | xargs)" "7 100.0"
is "also in the JSON" "$(figure limits limits limit=concurrency use | cut -c1) $(figure limits limits source=mx1 use)" "0 1.0"
like "and when" "$(< limits.out)" "mx1 +\(all\) +3000 connections/week +3000 +100.0 % +20..-..-..T..:..:..Z"
is "refused by reason" \
	"$(for r in limit-hour limit-day concurrency; do figure limits refused "reason=$r" connections; done | grep -c '^[1-9]')" 3
ok "all the figures agree" "$check" balance limits.json limits.csv 64000

# --- a blast, and what waits

conf blast '
sources: { mx1: { address = "192.0.2.1"; }; mx2: { address = "192.0.2.2"; }; };
pools: { main: { members: { mx1 = 1; mx2 = 1; }; }; };
providers: { isp: { prefixes = [ "198.51.100.0/24" ]; limits = [ "10000 messages/day" ]; };
	paced: { prefixes = [ "203.0.113.0/24" ]; limits = [ "40000 messages/day" ]; pace = "even"; }; };'
sim blast --days 7 --pattern blast
ok "a million at once: every message is sent, waits or has expired; the CSV agrees" \
	"$check" balance blast.json blast.csv 1000000
is "free at default: at once" "$(figure blast providers provider=default deferred)" 0
is "limited: 20000 on each of five days and the first" \
	"$(figure blast providers provider=isp sent) $(figure blast providers provider=isp waiting)" "100000 0"
begun -c blast.conf --days 2 --pattern blast --messages-per-connection 7 -j --csv seven.csv > seven.json
ok "seven messages a connection" "$check" balance seven.json seven.csv 1000000
like "limits in messages are then not what they say: remarked" \
	"$(begun -c blast.conf --days 1 --pattern blast --messages-per-connection 7)" \
	"isp: a connection carries 7 messages and is charged for 1:"
begun -c blast.conf --days 3 --pattern blast --blast 30000 --retry 30m -r 0/day -r isp=1/day -j > retry.json
is "the first retry is the first chance: the rest of a small blast has waited a day" \
	"$(figure retry providers 0 wait median)" "$(figure retry providers 0 wait longest)"
begun -c blast.conf --days 3 --pattern blast --lifetime 6h -j > short.json
is "a lifetime of 6 hours: then nothing waits" \
	"$(figure short providers provider=isp waiting) $(figure short providers provider=isp sent)" "0 20000"
[ -n "$slow" ] || ok "all of it in 64 MB" bash -c "ulimit -v 65536; '$mxsim' -c blast.conf --days 7 --pattern blast"

# --- held

conf hold '
sources: { mx1: { address = "192.0.2.1"; }; };
pools: { main: { members: { mx1 = 1; }; }; };
providers: { isp: { prefixes = [ "198.51.100.0/24" ]; limits = [ "3600 connections/hour" ]; pace = "even"; }; };'
sim hold --days 2 -r 0/day -r isp=3600/hour
near "an even pace lets out what it can" "$(figure hold providers 0 sent)" $((48 * 3456)) 100
ok "they wait in the queue" test "$(figure hold held reason=pace connections)" -gt 100000
is "whose turn it is, is not sent away because the ledger has to write" "$(figure hold refused reason=ledger)" none
ok "an hour is never too full" "$check" rolling hold.trace 1 3456 mx1@isp
sim hold --days 1 -r 0/day -r isp=1/day --pattern blast --blast 15
is "fifteen at once: one leaves, fourteen wait, nobody is refused" \
	"$(figure hold held 0 connections) $(figure hold providers 0 sent) $(figure hold providers 0 deferred)" "14 15 0"
near "one for each 25/24 of a second" "$(figure hold providers 0 wait longest)" 14.58 0.05
is "in the trace each of them twice" "$(cut -d' ' -f2,5 hold.trace | sort | uniq -c | xargs)" "15 assign weighted 14 hold pace"
sim hold --days 1 -r 0/day -r isp=1/day --pattern blast --blast 30
is "thirty: twenty may wait, of whom the last does so in vain; nine are refused at once" \
	"$(figure hold held 0 connections) $(figure hold providers 0 sent) $(figure hold refused 0 connections)" "20 30 10"
sed -i 's/pace = "even"/pace = "even"; wait = 0/' hold.conf
sim hold --days 2 -r 0/day -r isp=3600/hour
is "wait = 0: nobody waits in the queue" "$(figure hold held)" "[]"
ok "and mail is refused instead" test "$(figure hold refused reason=pace connections)" -gt 1000

conf full '
sources: { mx1: { address = "192.0.2.1"; }; };
pools: { main: { members: { mx1 = 1; }; }; };
providers: { isp: { prefixes = [ "198.51.100.0/24" ]; concurrency = 1; }; };'
sim full --start 2026-11-01 --days 1 -r 0/day -r isp=1/day --pattern blast --blast 2 --duration 60
is "patience ends to the millisecond, also when nothing else happens" \
	"$(head -n 3 full.trace | awk '{ print $1 - 1793523600, $2, $5 }' | xargs)" \
	"0 assign weighted 0 hold concurrency 20 refuse concurrency"

# --- what is counted without being decided

# every NAME ARGUMENT...: deciding each one gives the same.
every() {
	local name=$1
	shift
	is "counting is as good as deciding: $name.conf $*" "$(begun -c "$name.conf" "$@" --csv - --html "$name.html")" \
		"$(begun -c "$name.conf" "$@" --csv - --html "$name.every" --every)"
	is "its table, too" "$(begun -c "$name.conf" "$@")" "$(begun -c "$name.conf" "$@" --every)"
}
conf spill '
sources: { mx1: { address = "192.0.2.1"; }; mx2: { address = "192.0.2.2"; limits = [ "400 messages/day" ]; }; };
pools: { main: { members: { mx1 = 1; }; max-share = 60; overflow = "second"; }; second: { members: { mx2 = 1; }; }; };
providers: { isp: { prefixes = [ "198.51.100.0/24" ]; limits = [ "90 messages/hour" ]; concurrency = 2; };
	default: { wait = 5; concurrency = 3; limits = [ "1000 connections/day" ]; pace = "even"; }; };'
conf both '
sources: { mx1: { address = "192.0.2.1"; limits = [ "500 messages/hour" ]; }; mx2: { address = "192.0.2.2"; }; };
pools: { main: { members: { mx1 = 2; mx2 = 1; }; max-share = 70; }; };
providers: { isp: { prefixes = [ "198.51.100.0/24" ]; concurrency = 2; }; default: { total-limits = [ "9000 messages/day" ]; }; };'
every limits --days 3 -r 0/day -r isp=9000/day -r busy=90000/day --pattern burst --duration 5
every slow --days 4 -r 3000/day --networks 1
every spark --days 4 -r 5000/day --messages-per-connection 3 --networks 1
every blast --days 3 --pattern blast --blast 40000 --messages-per-connection 7 --networks 1
every spill --days 3 -r 6000/day --pattern burst --networks 1
every both --days 3 -r 20000/day --pattern burst --duration 9 --networks 1

# --- the same again

arguments=(--days 5 -r 20000/day --pattern wave --start 2026-11-01 --html -)
is "the same options: the same output" "$(begun -c three.conf "${arguments[@]}" | cksum)" \
	"$(begun -c three.conf "${arguments[@]}" | cksum)"
isnt "another seed: another one" "$(begun -c three.conf "${arguments[@]}" | cksum)" \
	"$(begun -c three.conf "${arguments[@]}" --seed 2 | cksum)"
is "whatever the time zone" "$(TZ=Asia/Tokyo begun -c slow.conf --days 8 -r 0/day -r isp=300/day)" \
	"$(begun -c slow.conf --days 8 -r 0/day -r isp=300/day)"

# --- files

is "the columns of the CSV" "$(head -n 1 slow.csv)" \
	"day,time,source,provider,messages,connections,warmup_day,cap,arrived,refused,waiting,expired"
is "a line for each day, source and provider, and for each provider" "$(awk -F, 'NF == 12' slow.csv | wc -l)" 25
begun -c slow.conf --start 2026-11-01 --days 2 -r 0/day -r isp=300/day --hourly --csv - > hourly.csv
is "each hour" "$(tail -n +2 hourly.csv | cut -d, -f2 | sort -u | sed -n '1p;2p;$p' | xargs; wc -l < hourly.csv)" \
	"2026-11-01T00:00 2026-11-01T01:00 2026-11-02T23:00"$'\n'145
for name in slow blast spark; do
	begun -c $name.conf --days 8 -r 30000/day --html $name.html > /dev/null
	ok "the page is well-formed: $name" /usr/bin/python3 -c \
		'import sys, xml.etree.ElementTree as e; e.parse(sys.argv[1])' $name.html
	nok "and needs nothing else" grep -qiE '(https?|file|ftp):|(src|href)=|<script|@import|url\(' $name.html
done
like "it shows the cap of a warm-up" "$(< slow.html)" "Warm-up of mx2 at isp.*class=\"limit\".*cap of the warm-up"
like "and what had to wait" "$(< blast.html)" "Deferred mail that waits.*class=\"line\""
run -c slow.conf --days 1 -r 1000/day --speed
like "--speed" "$out" "decisions in .* s of processor time: .* million a second"
done_testing

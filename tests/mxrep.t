#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mxrep's commands, without a network and without a daemon. The logs: tests/mxrep/log.py.

set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh
# shellcheck source=tests/mxrep/lib.sh
. tests/mxrep/lib.sh

# said NAME STATUS ERRORS ARGUMENT...: the command ends so, with just these words on standard error.
said() {
	local name=$1 expected="$2 $3"
	shift 3
	rep "$@"
	is "$name" "$status $err" "$expected"
}

# counted NAME EXPECTED [OPTION...]
counted() {
	local name=$1 expected=$2
	shift 2
	is "$name" "$(now_counted "$@")" "$expected"
}

# of MESSAGES: the counts of so many, a multiple of 20.
of() {
	local n=$(($1 / 20))
	echo "- default $((4 * n)) 0 0 $n $n 0 0 0 0"
	echo "- google $((10 * n)) $((2 * n)) $((2 * n)) 0 0 0 $((2 * n)) 0 $((2 * n))"
}

# --- ingest

fresh
"$log" 0 100 > mail.log
said "a log is read" 0 "" ingest mail.log
is "and it says what was in it" "$out" "mail.log: 400 lines, 100 delivery attempts"
counted "every outcome is counted at its provider" "$(of 100)"
is "an answer that means nothing good by its category" \
	"$("$mxrep" -c "$store.conf" report -j | "$counts" provider categories)" \
	"default {'network': 5}
google {'user-unknown': 10, 'rate-limited': 10}"
rep ingest mail.log
is "the same again is not" "$status $out" "0 mail.log: 0 lines, 0 delivery attempts, from where it had been read to"
cp mail.log mail.log.1
gzip -k mail.log.1
xz -k mail.log.1
bzip2 -k mail.log.1
rep ingest mail.log.1 mail.log.1.gz mail.log.1.xz mail.log.1.bz2
is "nor are its copies, compressed or not" "$status $(grep -c ' 0 lines' <<< "$out")" "0 4"
counted "nothing was counted twice" "$(of 100)"
"$log" 100 20 >> mail.log
rep ingest mail.log
is "of a log that has grown the new lines are read" "$out" "mail.log: 80 lines, 20 delivery attempts, from where it had been read to"
begin=$(date +%s)
"$log" 120 20 "$begin" | gzip > other.gz
said "a second one is read" 0 "" ingest other.gz
counted "all of it is counted" "$(of 140)"
"$log" 120 40 "$begin" | gzip > other-2.gz
rep ingest other-2.gz
is "a compressed one that has grown" "$out" "other-2.gz: 80 lines, 20 delivery attempts, from where it had been read to"

fresh
head -n 3 mail.log | tail -n 1 | tr -d '\n' > one.log
rep ingest one.log
is "a line without an end is a line" "$out" "one.log: 1 lines, 1 delivery attempts"
rep ingest one.log
is "and only once, also when it is the first" "$out" "one.log: 0 lines, 0 delivery attempts, from where it had been read to"
{
	echo
	sed -n 7p mail.log
} >> one.log
rep ingest one.log
is "what comes behind it counts" "${out%%,*}, $(now_counted | cut -d' ' -f3)" "one.log: 2 lines, 2"

fresh
mkdir dir
said "a folder is no log" 1 "mxrep: error: dir: expected a file" ingest dir
said "nor is what is not there" 1 "mxrep: error: none.log: No such file or directory" ingest none.log
said "the others are read all the same" 1 "mxrep: error: none.log: No such file or directory" ingest none.log mail.log
counted "and counted" "$(of 120)"
if [ "$(id -u)" -ne 0 ]; then
	: > secret.log
	chmod 0 secret.log
	said "nor what may not be read" 1 "mxrep: error: secret.log: Permission denied" ingest secret.log
else
	chmod 711 "$folder"
	install -m 0600 mail.log secret.log
	conf other
	is "nor what may not be read" "$(cp "$mxrep" rep && mkdir -m 777 open && sed -i "s|$folder/other.db|$folder/open/s.db|" other.conf &&
		setpriv --reuid 65534 --regid 65534 --clear-groups "$folder/rep" -c other.conf ingest secret.log 2>&1; echo $?)" \
		"mxrep: error: secret.log: Permission denied
1"
fi
"$log" 1000 40000 | gzip > whole.gz
head -c $(($(stat -c %s whole.gz) / 2)) whole.gz > cut.gz
rep ingest cut.gz
like "an archive that is cut is told of" "$status $err" "^1 mxrep: error: cut.gz: .*: not read any further$"
printf '\x1f\x8bno archive' > no.gz
said "an archive that is none" 1 "mxrep: error: no.gz: expected a log file, or one compressed by gzip, bzip2, xz or zstd" \
	ingest no.gz
fresh
said "--format" 0 "" ingest --format postfix mail.log
counted "of the right kind" "$(of 120)"
fresh
said "--format of another MTA" 0 "" ingest --format exim mail.log
counted "finds nothing there" ""
said "--format of none" 1 "mxrep: error: --format: expected auto, postfix, exim, opensmtpd, sendmail or journal" ingest --format pine mail.log
said "no file" 2 "mxrep: ingest: expected other arguments: mxrep --help tells more" ingest

# --- report

fresh
hour=$(($(date +%s) / 3600 * 3600))
"$log" 0 20 $((hour - 7200)) > before.log
"$log" 20 40 $((hour - 93600)) > yesterday.log
"$log" 60 100 $((hour - 20 * 86400)) > old.log
said "logs of three times" 0 "" ingest before.log yesterday.log old.log
counted "a report is of the last week" "$(of 60)"
counted "--since 24h" "$(of 20)" --since 24h
counted "--since 30d" "$(of 160)" --since 30d
counted "--since a time" "$(of 60)" --since "$(date -u -d "@$((hour - 93600))" +%FT%TZ)"
counted "--until a time" "$(of 40)" --until "$(date -u -d "@$((hour - 7200))" +%FT%TZ)"
counted "both" "$(of 100)" --since 30d --until 10d
said "no time" 2 "mxrep: --since: expected a time like 24h, 7d or 2026-11-01T00:00:00Z: mxrep --help tells more" report --since soon
is "--by provider" "$("$mxrep" -c "$store.conf" report -j --by provider | "$counts" source provider messages.total)" "0 default 12
0 google 42"
is "--by source" "$("$mxrep" -c "$store.conf" report -j --by source | "$counts" source provider messages.total)" "- 0 54"
is "--by network" "$("$mxrep" -c "$store.conf" report -j --by network | "$counts" source provider network messages.total)" "- default - 12
- google - 42"
is "--by day" "$("$mxrep" -c "$store.conf" report -j --by day --provider google | "$counts" day messages.total)" \
	"$(date -u -d "@$((hour - 93600))" +%F) 28
$(date -u -d "@$((hour - 7200))" +%F) 14"
counted "--provider" "$(of 60 | tail -n 1)" --provider google
counted "--source of none" "" --source mx1
query "$store" "UPDATE lane SET source = 'mx1' WHERE provider = 'google'"
counted "--source" "$(of 60 | tail -n 1 | sed 's/^-/mx1/')" --source mx1
said "--by of none" 2 "mxrep: --by: expected lane, network, source, provider or day: mxrep --help tells more" report --by hour

# --- killed

fresh
"$log" 0 75000 > large.log
reference=$(of 75000)
began=$(now_ms)
rep ingest large.log
took=$(($(now_ms) - began))
counted "300,000 lines in one pass" "$reference"
fresh
"$mxrep" -c "$store.conf" report > /dev/null
killed=0
for i in {1..20}; do
	timeout -s KILL "$(awk -v i="$i" -v t="$took" 'BEGIN { print (i * t / 21000) % 60 }')" \
		"$mxrep" -c "$store.conf" ingest large.log > /dev/null 2>&1
	[ $? -ne 137 ] || killed=$((killed + 1))
done 2> /dev/null
diag "killed $killed times"
[ "$killed" -ge 5 ]
tap_result $? "ingest was killed in the middle"
said "and is run to its end" 0 "" ingest large.log
counted "then it has counted each line once" "$reference"
fresh
"$mxrep" -c "$store.conf" report > /dev/null
waits=()
for i in 1 2 3; do
	"$mxrep" -c "$store.conf" ingest large.log > "at-once.$i" 2>&1 &
	waits+=($!)
done
wait "${waits[@]}"
counted "three at once count it once" "$reference"

# follow: runs mxrep on what is to be followed. gone: kills it.
follow() {
	"$mxrep" -c "$store.conf" run 2>> run.log &
	follower=$!
}
gone() {
	kill -KILL "$follower"
	wait "$follower" 2> /dev/null
	follower=
}
# grow COUNT: so many messages more, in the log that is followed.
written=0
grow() {
	"$log" "$written" "$1" >> follow/mail.log
	written=$((written + $1))
}
# caught_up NAME: it has counted all that was written, and nothing twice.
caught_up() {
	eventually "$1" 20 equal now_counted "$(of "$written")"
}

fresh "logs: { mail: { path = \"$folder/follow/mail.log\"; }; };"
mkdir follow
grow 40
follow
caught_up "a log that is followed"
grow 200
caught_up "and grows"
half=$("$log" "$written" 20)
written=$((written + 20))
printf '%s' "${half:0:1000}" >> follow/mail.log
gone
follow
printf '%s\n' "${half:1000}" >> follow/mail.log
caught_up "a line in two halves, and killed in between"
mv follow/mail.log follow/mail.log.1
grow 100
caught_up "renamed"
grow 100
gone
grow 60
mv follow/mail.log.1 follow/mail.log.2
gzip follow/mail.log.2
mv follow/mail.log follow/mail.log.1
grow 100
follow
caught_up "renamed again while it was gone"
grow 60
gone
mv follow/mail.log.1 follow/mail.log.3
mv follow/mail.log.2.gz follow/mail.log.4.gz
mv follow/mail.log follow/mail.log.2
grow 60
mv follow/mail.log follow/mail.log.1
gzip follow/mail.log.2
grow 20
follow
caught_up "twice, in the same second, one compressed"
cp follow/mail.log follow/mail.log.0
: > follow/mail.log
grow 40
caught_up "copied and truncated"
for i in {1..5}; do
	grow 1000
	gone
	follow
	grow 20
done
caught_up "killed again and again"
kill "$follower"
wait "$follower"
is "it ends when it is asked to" "$?" 0
follower=
is "nothing was lost on the way" "$(grep -c 'may be missing' run.log)" 0

# --- the journal

# What stands for journalctl prints a file from behind the cursor on, and what is added to it.
mkdir bin
cat > bin/journalctl << END_SCRIPT
#!/bin/bash
echo \$\$ > "$folder/bin/pid"
after=0
for word; do
	case \$word in --after-cursor=c*) after=\${word#*=c} ;; esac
done
exec tail -n +\$((after + 1)) -f "$folder/journal"
END_SCRIPT
chmod +x bin/journalctl
written=0
# record COUNT: so many messages more, of four lines each, in the journal.
record() {
	"$log" "$written" "$1" | "$as_journal" $((written * 4 + 1)) >> journal
	written=$((written + $1))
}
fresh 'logs: { all: { format = "journal"; }; };'
record 40
PATH=$folder/bin:$PATH follow
caught_up "the journal is read"
record 60
caught_up "and followed"
gone
kill "$(< bin/pid)"
record 20
PATH=$folder/bin:$PATH follow
caught_up "from where it was"
kill "$(< bin/pid)"
record 20
caught_up "also when journalctl has ended"
like "which is said" "$(< run.log)" "journalctl has ended: it is started again"
kill "$follower"
wait "$follower"
is "it ends in order" "$?" 0
follower=
nok "and journalctl with it" kill -0 "$(< bin/pid)"

# --- hostile logs

fresh
"$hostile" mail.log > hostile.log
said "a log of all that is wrong" 0 "" ingest hostile.log
counted "its good lines are counted" "$(of 120)"
query "$store" "SELECT text FROM reply" > replies
ok "what was foreign is in the store" grep -q '<script>' replies
{
	"$mxrep" -c "$store.conf" report
	"$mxrep" -c "$store.conf" report -j
	"$mxrep" -c "$store.conf" log
} > printed
"$mxrep" -c "$store.conf" report --html page.html
nok "no control byte is printed" grep -qaP '[^\x20-\x7e\n]' printed
nok "nor in the page" grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' page.html
nok "and no markup of it" grep -qaiE '<script>alert|<img' page.html
case $mxrep in
*/asan/*) skip "memory stays under 64 MB" "the sanitizers take more" ;;
*)
	fresh
	ok "memory stays under 64 MB" python3 - "$mxrep" "$store.conf" large.log hostile.log << 'END_PYTHON'
import resource
import subprocess
import sys
subprocess.run([sys.argv[1], "-c", sys.argv[2], "ingest", *sys.argv[3:]], check=True)
kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(kb, "KB")
sys.exit(kb > 65536)
END_PYTHON
	;;
esac

# --- bounces, complaints, DMARC

fresh
said "the log of what left before" 0 "" ingest mail.log
query "$store" "UPDATE lane SET source = 'mx1' WHERE provider = 'google'"
letter bounce/gmail.eml m3@example.com u3@gmail.com > bounce.eml
rep bounce bounce.eml
is "a bounce is joined to its message" "$status $out" "0 1 taken, 1 of them with a known source, 0 seen before"
is "and counted where that left" "$(now_counted | tail -n 1)" "mx1 google 60 12 12 0 0 1 13 0 12"
rep bounce < bounce.eml
is "the same again is not" "$status $out" "0 0 taken, 0 of them with a known source, 1 seen before"
letter bounce/gmail.eml none@example.com user@example.net > unknown.eml
rep bounce unknown.eml
is "one of a message that nobody knows" "$status $out" "0 1 taken, 0 of them with a known source, 0 seen before"
is "is counted at the provider" "$(now_counted | sed -n 1p)" "- default 24 0 0 6 6 1 1 0 0"
letter bounce/postfix.eml none@example.com user@example.net > own.eml
rep bounce own.eml
is "our own MTA's say what the log said" "$(now_counted | sed -n 1p)" "- default 24 0 0 6 6 1 1 0 0"
said "no bounce" 1 "mxrep: error: $mail/bounce/person.eml: $(sed -n 's/^error: //p' "$mail/bounce/person.expected")" bounce "$mail/bounce/person.eml"
said "a folder" 1 "mxrep: error: dir: Is a directory" bounce dir
is "who is not known is not written to again" "$("$mxrep" -c "$store.conf" suppress export)" "# suppressed by mxrep
u3@gmail.com	REJECT 5.7.1 suppressed: user unknown
user@example.net	REJECT 5.7.1 suppressed: user unknown"

letter complaint/jmrp.eml m4@example.com u4@gmail.com > complaint.eml
rep complaint complaint.eml
is "a complaint is joined to its message" "$status $out" "0 1 taken, 1 of them with a known source, 0 seen before"
is "and counted where that left" "$(now_counted | tail -n 1)" "mx1 google 60 12 12 0 0 1 13 1 12"
rep complaint complaint.eml complaint.eml
is "the same twice is not" "$status $out" "0 0 taken, 0 of them with a known source, 2 seen before"
letter complaint/jmrp.eml nobody@example.com else@hotmail.com > by-address.eml
rep complaint by-address.eml
is "one of our address is joined to its source" "$status $(now_counted | grep outlook)" "0 mx1 outlook 0 0 0 0 0 0 0 1 0"
sed /List-Unsubscribe/d complaint.eml | sed s/u4@/u5@/ > direct.eml
rep complaint direct.eml
is "about a newsletter: no more of them, else: no mail" \
	"$("$mxrep" -c "$store.conf" suppress list -j | python3 -c 'import json, sys
for s in json.load(sys.stdin)["suppressed"]: print(s["address"], s["list"], s["reason"])')" "else@hotmail.com greylist complaint
u3@gmail.com blacklist user unknown
u4@gmail.com greylist complaint
u5@gmail.com blacklist complaint
user@example.net blacklist user unknown"
: > empty.eml
rep complaint empty.eml
is "no complaint" "$status $err" "1 mxrep: error: empty.eml: expected a complaint (multipart/report with a feedback report), this is a message of an unknown sender"

fresh
rep dmarc "$mail/dmarc/mail-gzip.eml" "$mail/dmarc/mail-gzip.eml"
is "a DMARC report is taken once" "$status ${out##*,}" "0  1 seen before"
is "its rows are there" "$(query "$store" "SELECT SUM(n) > 0 FROM dmarc")" 1
sum=$(query "$store" "SELECT SUM(n) FROM dmarc")
rep dmarc "$mail/dmarc/mismatched.xml" "$mail/dmarc/mail-zip-bomb.eml"
is "broken ones are not, each with a line" "$status $(wc -l < err) $(query "$store" "SELECT SUM(n) FROM dmarc")" "1 2 $sum"

# --- traps

fresh
said "a log of what left" 0 "" ingest mail.log
query "$store" "UPDATE lane SET source = 'mx1' WHERE provider = 'google'"
bad=$(now_counted | awk '{ bad += $(NF - 2) } END { print bad }')
rep trap u4@gmail.com
is "a spam trap: what was taken there counts" "$status $out" "0 1 messages went there"
is "as a bad address" "$(now_counted | awk '{ bad += $(NF - 2) } END { print bad }')" $((bad + 1))
rep trap u4@gmail.com U4@Gmail.com
is "once" "$status $out" "0 0 messages went there"
said "no address" 1 'mxrep: error: "u 4": expected a mail address' trap "u 4"
like "it gets no more" "$("$mxrep" -c "$store.conf" suppress export)" "u4@gmail.com	REJECT 5.7.1 suppressed: spam trap"

# --- suppress

fresh
said "an address is put on the list" 0 "" suppress add Full@Example.NET --reason "asked for it"
said "and one on the other, for an hour" 0 "" suppress add news@example.org --list greylist --for 1h
is "they are listed" "$("$mxrep" -c "$store.conf" suppress list -j | python3 -c 'import json, sys, time, calendar
for s in json.load(sys.stdin)["suppressed"]:
    until = s["until"] and 3590 <= calendar.timegm(time.strptime(s["until"], "%Y-%m-%dT%H:%M:%SZ")) - time.time() <= 3600
    print(s["address"], s["list"], s["reason"], until)')" "full@example.net blacklist asked for it None
news@example.org greylist by hand True"
rep suppress list --list greylist
is "one of them" "$(wc -l <<< "$out") $(grep -c news@ <<< "$out")" "2 1"
query "$store" "UPDATE suppressed SET until = strftime('%s') - 1 WHERE until > 0"
rep suppress list --list greylist
is "what is over is gone" "$(grep -c @ <<< "$out")" 0
said "no address: blanks" 1 'mxrep: error: "a b@example.com": expected a mail address' suppress add "a b@example.com"
said "no address: a new line, told in one" 1 'mxrep: error: "a@example.com?b@example.com": expected a mail address' \
	suppress add $'a@example.com\nb@example.com'
said "no address: escapes" 1 'mxrep: error: "?[31ma@example.com": expected a mail address' suppress add $'\e[31ma@example.com'
said "one that is on no list" 1 'mxrep: error: "none@example.com" is on no list' suppress remove none@example.com
said "--list of none" 1 "mxrep: error: --list: expected blacklist or greylist" suppress list --list red
said "--for of none" 2 "mxrep: --for: expected a time like 90s, 15m, 2h or 7d: mxrep --help tells more" suppress add a@b.example --for ever
said "no such deed" 2 "mxrep: error: suppress: expected add ADDRESS..., remove ADDRESS..., list, import [FILE...] or export" suppress eat
printf '%s\n' "# some" one@example.com "two@example.com spam trap" "" "no address" three@example.com "@" > import
said "a list is imported" 1 'mxrep: warning: import:5: "no": expected a mail address
mxrep: warning: import:7: "@": expected a mail address' suppress import import
is "and it says how many" "$out" "3 taken, 2 not understood"
said "a line with a NUL is no address" 1 'mxrep: warning: standard input:1: "nul@example.com": expected a mail address' \
	suppress import < <(printf 'nul@example.com\0@example.org\n')
rep suppress import < <(echo stdin@example.com)
is "from standard input" "$status $out" "0 1 taken, 0 not understood"
said "one is taken off" 0 "" suppress remove ONE@example.com
rep suppress export --format exim
is "the list for Exim" "$out" "# suppressed by mxrep
full@example.net
stdin@example.com
three@example.com
two@example.com"
is "and for OpenSMTPD" "$("$mxrep" -c "$store.conf" suppress export --format opensmtpd)" "$out"
said "for nobody else" 1 "mxrep: error: --format: expected postfix, exim or opensmtpd" suppress export --format qmail
"$mxrep" -c "$store.conf" suppress export --format postfix > map
if command -v postmap > /dev/null; then
	mkdir postfix
	: > postfix/main.cf
	is "Postfix finds an address in its map" "$(postmap -c postfix -q two@example.com "texthash:$folder/map" 2> err)" \
		"REJECT 5.7.1 suppressed: spam trap"
	nok "and no other" postmap -c postfix -q one@example.com "texthash:$folder/map"
	is "the map is well" "$(grep -c 'map,' err)" 0
else
	skip "Postfix finds an address in its map" "no postmap here"
fi

# --- mailq

fresh
now=$(date +%s)
google="host gmail-smtp-in.l.google.com[142.250.27.26] said: 421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address. (in reply to end of DATA command)"
cat > queue << END_QUEUE
{"queue_name": "deferred", "queue_id": "A1", "arrival_time": $((now - 60)), "message_size": 9, "sender": "a@example.com", "recipients": [{"address": "x@gmail.com", "delay_reason": "$google"}, {"address": "y@gmail.com", "delay_reason": "$google"}]}
{"queue_name": "deferred", "queue_id": "A2", "arrival_time": $((now - 7200)), "message_size": 9, "sender": "a@example.com", "recipients": [{"address": "z@gmail.com", "delay_reason": "$google"}]}
{"queue_name": "active", "queue_id": "A3", "arrival_time": $((now - 86000)), "message_size": 9, "sender": "a@example.com", "recipients": [{"address": "x@example.net"}]}
{"queue_name": "deferred", "queue_id": "A4", "arrival_time": $((now - 90000)), "message_size": 9, "sender": "a@example.com", "recipients": [{"address": "x@example.net", "delay_reason": "connect to mx.example.net[198.51.100.7]:25: Connection timed out"}]}
END_QUEUE
rows='import json, sys
for r in sorted(json.load(sys.stdin)["queue"], key=lambda r: (r["provider"], r["reason"])):
    print(r["provider"], r["reason"], r["recipients"], *r["ages"].values())'
is "the queue by provider, reason and age" "$("$mxrep" -c "$store.conf" mailq -j queue | python3 -c "$rows")" "default network 1 0 0 0 1
default waiting 1 0 0 1 0
google rate-limited 3 2 1 0 0"
rep mailq < queue
is "from standard input, as a table" "$status $(wc -l <<< "$out")" "0 4"
sed -i '3s/"recipients"/recipients/' queue
said "a line that is none is named" 1 "mxrep: error: line 3: expected a message of the queue, as postqueue -j prints it" mailq queue
said "a time before all time" 0 "" mailq <(echo '{"arrival_time": -9223372036854775808, "recipients": [{"address": "x@gmail.com"}]}')

# --- log

fresh
said "a log of nothing done" 0 "" log
query "$store" "INSERT INTO lane VALUES (1, 'mx1', 'google', ''), (2, 'mx2', 'default', '198.51.100.0/24')"
query "$store" "INSERT INTO action (time, lane, what, value, reason, evidence, result) VALUES
 (1790000000, 1, 'backoff', '900', 'rate-limited', 'rule 3', 'done'), (1790003600, 2, 'factor', '0.100', 'spammer', '5 of 6', 'pending')"
rep log
is "what was done" "$(tr -s ' ' <<< "$out")" "TIME SOURCE PROVIDER NETWORK ACTION VALUE RESULT REASON
2026-09-21T14:13:20Z mx1 google - backoff 900 done rate-limited
2026-09-21T15:13:20Z mx2 default 198.51.100.0/24 factor 0.100 pending spammer"
for which in "--since 2026-09-21T15:00:00Z" "--source mx2" "--provider default"; do
	# shellcheck disable=SC2086 # two words
	is "$which" "$("$mxrep" -c "$store.conf" log -j $which | python3 -c 'import json, sys
for a in json.load(sys.stdin)["actions"]: print(*a.values())')" \
		"2026-09-21T15:13:20Z mx2 default 198.51.100.0/24 factor 0.100 pending spammer 5 of 6"
done

# --- settings

fresh
rep check
like "a configuration that is well" "$status $out" "^0 $store.conf: well.$rules: [0-9]+ examples, 0 of them missed$"
# wrong TEXT EXPECTED: a line of mxrep.conf that is answered by EXPECTED, behind FILE:LINE:
wrong() {
	printf '# first\n%s\n' "$1" > wrong.conf
	is "$1" "$("$mxrep" -c wrong.conf check 2>&1; echo $?)" "mxrep: error: wrong.conf:2: $2
1"
}
# shellcheck source=tests/mxrep/wrong.sh
. "$wrong"
is "a file that is named and not there" "$("$mxrep" -c absent.conf check 2>&1; echo $?)" "mxrep: error: absent.conf: No such file or directory: expected a readable file
1"

# --- at once

fresh
"$mxrep" -c "$store.conf" ingest mail.log > /dev/null
rm -f busy.*
"$mxrep" -c "$store.conf" ingest whole.gz > busy.log 2>&1 &
waits=($!)
for i in {1..10}; do
	letter complaint/jmrp.eml "at-once$i@example.com" "u$i@gmail.com" > "busy.$i.eml"
	"$mxrep" -c "$store.conf" complaint "busy.$i.eml" > "busy.$i.out" 2>&1 &
	waits+=($!)
done
wait "${waits[@]}"
is "ten complaints at once while a log is read" "$(cat busy.*.out | sort | uniq -c | tr -s ' ')" " 10 1 taken, 1 of them with a known source, 0 seen before"
counted "all of them count" "$(of 40120)
mx1 google 0 0 0 0 0 0 0 10 0"

done_testing

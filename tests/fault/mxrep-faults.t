#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The same for mxrep: at each place where memory is asked for or its store is used, that fails once, while mxrep reads a
# log, takes mails and reports, follows and ends. It goes on, or it ends with one clear line; and when it was told once more
# what it could not do, everything is counted, and nothing twice. Settings: tests/fault/fail.sh.

set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh
# shellcheck source=tests/fault/fail.sh
. tests/fault/fail.sh
preload=$PWD/build/fault/fail.so
# shellcheck source=tests/mxrep/lib.sh
. tests/mxrep/lib.sh
fail_path=$folder/fail
real=$mxrep
cat > faulty << END_SCRIPT
#!/bin/sh
LD_PRELOAD=$preload FAIL_FILE=$fail_path exec setarch -R "$real" "\$@"
END_SCRIPT
chmod 755 faulty
ulimit -c 0

# attempt COMMAND...: how it ended, in $status and $err; complains when it was not in order. Fails when there was an error.
attempt() {
	"$@"
	[ "$status" -ne 0 ] || return 0
	ended=$((ended + 1))
	[ "$status" -eq 1 ] && grep -q "^mxrep: error: " <<< "$err" || trouble+="; $*: status $status ${err:0:200}"
	return 1
}
# tell COMMAND...: once more when it had an error, as whoever has mail or a log for it does. A fault comes once.
tell() {
	attempt "$@" || attempt "$@"
}
# follow: reads a log to its end, and is asked to end.
followed() {
	! kill -0 "$follower" 2> /dev/null || [ "$(query follow "SELECT position FROM log" 2> /dev/null)" = "$(stat -c %s mail.log)" ]
}
follow() {
	"$mxrep" -c follow.conf run 2> err &
	follower=$!
	wait_for "the log is read" 20 followed
	kill "$follower" 2> /dev/null
	wait "$follower"
	status=$? err=$(< err) follower=
}
# work MXREP: some of everything; $ended commands told of an error, what was not in order is in $trouble.
work() {
	mxrep=$1 ended=0 trouble=
	tell rep ingest mail.log
	tell rep bounce bounce.eml
	tell rep complaint complaint.eml
	tell rep dmarc "$mail/dmarc/mail-gzip.eml"
	tell rep trap u4@gmail.com
	tell rep suppress import import
	tell rep suppress export
	tell rep report -j
	tell rep report --html page.html
	tell rep log
	tell rep mailq queue
	tell follow
	mxrep=$real
}
# result: all that is in the stores, but for when it came.
result() {
	now_counted
	query "$store" "SELECT address, list, reason FROM suppressed ORDER BY address"
	query "$store" "SELECT domain, source, reporter, disposition, dkim, spf, n FROM dmarc ORDER BY 1, 2, 3, 4, 5, 6"
	query "$store" "SELECT COUNT(*) FROM message"
	query follow "SELECT provider, what, category, SUM(n) FROM count JOIN lane ON lane.id = lane GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
}
# fresh_stores: nothing is known.
fresh_stores() {
	rm -f store*.db* follow.db*
	stores=0
	fresh
	conf follow "logs: { mail: { path = \"$folder/mail.log\"; }; };"
}

"$log" 0 40 > mail.log
letter bounce/gmail.eml m3@example.com u3@gmail.com > bounce.eml
letter complaint/jmrp.eml m4@example.com u4@gmail.com > complaint.eml
printf '%s\n' one@example.com "two@example.com spam trap" > import
echo '{"queue_name": "deferred", "queue_id": "A1", "arrival_time": 1, "message_size": 9, "sender": "a@example.com", "recipients": [{"address": "x@gmail.com"}]}' > queue

fresh_stores
work "$real"
is "all is well without faults" "$ended$trouble" 0
reference=$(result)
like "and something is counted" "$reference" "google .*two@example.com.*google"
work "$real"
is "the same once more changes nothing" "$(result)" "$reference"

fail_file 0
for n in 1 2; do
	fresh_stores
	work "$folder/faulty"
	is "round $n of noting places: all is well" "$ended$trouble" 0
done
ok "places are known ($(fail_field count))" test "$(fail_field count)" -gt 20

tried=0 failed=0 went_on=0 bad=()
for place in $(fail_places); do
	fail_file "$place"
	fresh_stores
	work "$folder/faulty"
	[ -z "$trouble" ] || bad+=("$place$trouble")
	[ "$ended" -gt 0 ] || went_on=$((went_on + 1))
	[ "$ended" -le 1 ] && [ "$(result)" = "$reference" ] || bad+=("$place: the counts afterwards")
	tried=$((tried + 1))
	failed=$((failed + $(fail_field failed)))
	[ $((tried % 25)) -ne 0 ] || diag "$tried tried, $failed failed, ${#bad[@]} badly"
done
is "each fault was survived, or ended with a clear line, and nothing is missing or counted twice" "$(printf '%s\n' "${bad[@]-}")" ""
diag "$tried places, reached $failed: nobody told of $went_on"
ok "most of them were reached" test $((failed * 10)) -ge $((tried * 6))
done_testing

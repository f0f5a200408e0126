#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A thousand clients of the control socket that are slow, rude or hostile: mail and operators notice nothing.
# RUDE_ROUNDS: how often it is measured, with them and without by turns (7).

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# percentile OF FILE: of the milliseconds that connections took.
percentile() {
	sort -n "$LAB_DIR/$2" | awk -v of="$1" '{ t[NR] = $1 } END { print t[int(NR * of / 100 + 0.5)] }'
}
# round FILE: the milliseconds of many connections, one after another, are added to it.
round() {
	connect mail -n 200 "$(provider_address google)" | awk '$2 == "ok" { print $5 }' >> "$LAB_DIR/$1"
}

reader=(setpriv --reuid=nobody --regid=nogroup --clear-groups)

lab_up
config_write 'reader-group = "nogroup";'
daemon_start
connect mail -n 200 "$(provider_address google)" > /dev/null
mx -j stats > /dev/null
before=$(resident_kb) open=$(descriptors)
spawn rude mail nice -n 19 "${reader[@]}" $LAB_PYTHON "$lab_here/rude.py" "$LAB_DIR/control.sock" 1000
eventually "a thousand clients have come" 60 grep -q "all there" "$LAB_DIR/rude.out"
for _ in $(seq "${RUDE_ROUNDS:-7}"); do
	round rude.ms
	kill -STOP "$(pid_of rude)"
	round quiet.ms
	kill -CONT "$(pid_of rude)"
done
is "every connection is made meanwhile" "$(connect_tally mail -n 300 -f 10 "$(provider_address google)")" \
	"done 300 ok 300 refused 0 timeout 0 unreachable 0"
for n in 1 2 3 4 5; do
	ok "the operator gets in ($n)" mx status
done
ok "and changes a weight" mx weight mx1 google 2
for part in 50 90 99; do
	diag "${part}th percentile of $(wc -l < "$LAB_DIR/rude.ms") connects: $(percentile $part rude.ms) ms beside them, $(percentile $part quiet.ms) ms without"
done
diag "$(resident_kb) KiB resident, $before before"
case $MXLOADD in
*/asan/*) skip "memory is bounded" "a sanitizer has its own memory" ;;
*) ok "memory is bounded: less than 48 MiB more" test "$(($(resident_kb) - before))" -lt 49152 ;;
esac
end rude

# Readers that ask without end get their part of the time, each of them, and not the daemon.
used_ms() {
	awk '{ print ($14 + $15) * 10 }' "/proc/$(pid_of mxloadd)/stat"
}
begin=$(used_ms)
answers=$(at mail "${reader[@]}" $LAB_PYTHON "$lab_here/greedy.py" "$LAB_DIR/control.sock" 10 3)
used=$(($(used_ms) - begin))
diag "10 of them got $answers answers in 3 s (the fewest, all), and $used ms of the processor"
ok "they do not get the daemon for themselves" test $used -lt 1000
ok "each gets an answer" test "${answers% *}" -gt 0
eventually "no descriptor stays open" 10 equal descriptors "$open"
daemon_stop
done_testing

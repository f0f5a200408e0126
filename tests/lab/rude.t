#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A thousand clients of the control socket that are slow, rude or hostile: mail and operators notice nothing.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# percentile: the 99th of the milliseconds that connections took.
percentile() {
	awk '$2 == "ok" { print $5 }' | sort -n | awk '{ t[NR] = $1 } END { print t[int(NR * 0.99 + 0.5)] }'
}
# round: one measurement of many connections, one after another.
round() {
	connect mail -n 200 "$(provider_address google)" | percentile
}

lab_up
config_write 'reader-group = "nogroup";'
daemon_start
connect mail -n 200 "$(provider_address google)" > /dev/null
mx -j stats > /dev/null
before=$(resident_kb) open=$(descriptors)
spawn rude mail nice -n 19 setpriv --reuid=nobody --regid=nogroup --clear-groups $LAB_PYTHON "$lab_here/rude.py" "$LAB_DIR/control.sock" 1000
eventually "a thousand clients have come" 60 grep -q "all there" "$LAB_DIR/rude.out"
for _ in 1 2 3 4 5 6 7; do
	round >> "$LAB_DIR/rude.ms"
	kill -STOP "$(pid_of rude)"
	round >> "$LAB_DIR/quiet.ms"
	kill -CONT "$(pid_of rude)"
done
is "every connection is made meanwhile" "$(connect_tally mail -n 300 -f 10 "$(provider_address google)")" \
	"done 300 ok 300 refused 0 timeout 0 unreachable 0"
for n in 1 2 3 4 5; do
	ok "the operator gets in ($n)" mx status
done
ok "and changes a weight" mx weight mx1 google 2
diag "$(paste "$LAB_DIR/rude.ms" "$LAB_DIR/quiet.ms" | awk '{ print "99th percentile of connecting:", $1, "ms beside them,", $2, "ms without" }')"
diag "$(resident_kb) KiB resident, $before before"
case $MXLOADD in
*/asan/*) skip "memory is bounded" "a sanitizer has its own memory" ;;
*) ok "memory is bounded: less than 100 MiB more" test "$(($(resident_kb) - before))" -lt 102400 ;;
esac
end rude
eventually "no descriptor stays open" 10 equal descriptors "$open"
daemon_stop
done_testing

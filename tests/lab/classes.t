#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Classes of traffic and overflow pools, with the daemon and without it.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# sources_of USER: where twenty connections of that user left from, each source once.
sources_of() {
	receivers_forget
	at mail setpriv --reuid "$1" --regid "$1" --clear-groups --inh-caps=-all --ambient-caps=-all \
		$LAB_PYTHON "$lab_here/connect.py" -n 20 -f 4 198.51.100.20 > /dev/null
	wait_for "they are seen" 5 equal "receiver_count microsoft -" 20
	receiver_order microsoft | tr ' ' '\n' | sort -u | xargs
}
marked() {
	receivers_forget
	connect_tally mail -n 20 -f 4 -m "$1" 198.51.100.20 > /dev/null
	wait_for "they are seen" 5 equal "receiver_count microsoft -" 20
	receiver_order microsoft | tr ' ' '\n' | sort -u | xargs
}
each_way() {
	is "$1: a class by its user" "$(sources_of 65534)" mx3
	is "$1: another user" "$(sources_of 0)" "mx1 mx2"
	is "$1: a class by its mark" "$(marked 0x105)" mx2
	is "$1: all options of a class must match" "$(marked 0x205)" "mx1 mx2"
}

lab_up
config_write 'classes: { forwarded: { users = [ "nobody" ]; }; bulk: { marks = [ "0x100/0xf00" ]; users = [ "root" ]; }; };'
sed -i -e 's/pools: {.*/pools: { main: { members: { mx1 = 1; mx2 = 1; }; overflow = "reserve"; }; two: { members: { mx2 = 1; }; };\n    reserve: { members: { mx3 = 1; }; }; };/' \
	-e 's/^routes.*/routes = ( { class = "forwarded"; pool = "reserve"; }, { class = "bulk"; pool = "two"; }, { pool = "main"; } );/' \
	"$LAB_DIR/mxload.conf"
daemon_start
each_way "daemon"
mx pause mx1 > /dev/null
mx pause mx2 > /dev/null
is "daemon: the pool rests, its overflow serves" "$(sources_of 0)" mx3
like "explain names the reason" "$(mx explain 198.51.100.20)" "assign mx3 \(overflow\)"
like "explain a class" "$(mx explain 198.51.100.20 --class bulk)" "refuse - \(paused\)"
daemon_kill
is "dead: the overflow serves" "$(sources_of 0)" mx3
receivers_forget
like "dead: a class without a source is refused" "$(connect_tally mail -n 2 -t 3 -m 0x100 198.51.100.20)" "refused 2"
daemon_start
mx resume mx1
mx resume mx2
daemon_kill
each_way "dead"
is "no other address" "$(receiver_strangers)" 0
done_testing

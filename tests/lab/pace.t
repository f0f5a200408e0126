#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Postfix as it comes, with more in its queue than may go. Refused a few times it would give up on the destination for
# minutes; held, it sends at the pace.
#
#	PACE_EVERY=6 PACE_CONNECTIONS=77 tests/lab/pace.t	# a connection every six seconds, for eight minutes

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

every=${PACE_EVERY:-1}
count=${PACE_CONNECTIONS:-27}
# A rolling window counts 1/24 more than its length, and so the pace is slower by as much.
interval=$((every * 25000 / 24))

# opens: how many connections there were, and when the last of them.
opens() {
	awk '$2 == "open" { n++; t = $1 } END { print n + 0, t }' "$LAB_DIR/receivers.log"
}
enough() {
	[ "$(opens | cut -d' ' -f1)" -ge "$count" ]
}

lab_up
LAB_GOOGLE="limits = [ \"$((3600 / every)) connections/hour\" ]; pace = \"even\"; weights: { mx2 = 0; mx3 = 0; };" config_write
daemon_start
mta_start mail queue_run_delay=300s minimal_backoff_time=300s maximal_backoff_time=4000s smtp_connection_cache_on_demand=no
connect mail 198.51.100.10 > /dev/null
receiver_wait google mx1 1
read -r _ before <<< "$(opens)"
receivers_forget
mail_send gmail.com $((count + 220))
ok "Postfix makes $count connections" wait_for "$count connections" $((count * interval * 10 / 9 / 1000 + 60)) enough
read -r made after <<< "$(opens)"
took=$(awk "BEGIN { printf \"%d\", ($after - $before) * 1000 }")
ok "at least at 90 % of a pace of one in $interval ms ($made in $took ms)" test "$took" -le $((made * interval * 10 / 9))
ok "and not faster" test "$took" -ge $((made * interval - 200))
# At a slow pace not all that Postfix begins with are served within the 20 s that one waits; it learns that soon.
diag "deferred: $(mail_count deferred) of $((count + 220))"
[ "$every" -gt 1 ] || is "nothing was refused" "$(mail_count deferred)" 0
ok "the destination was never suspended" bash -c "! grep -q suspended '$LAB_DIR/postfix-mail/log'"
is "no connection came from another address" "$(receiver_strangers)" 0
ok "mxloadd ends in order" daemon_stop
done_testing

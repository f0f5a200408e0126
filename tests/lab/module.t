#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel module as the engine: the same shares and the same limits, with the queue beside it; it may come and go, and
# so may the daemon. MXLOAD_MODULE is the file that insmod gets; LAB_MODULE_ROUNDS how often it is loaded and unloaded
# under load (8).

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

[ -n "${MXLOAD_MODULE-}" ] || skip_all "no module for this kernel: tests/vm/scenarios.t runs this in guests"
rounds=${LAB_MODULE_ROUNDS-8}
trap 'lab_down; rmmod mxload 2> /dev/null' EXIT

module() {
	mx -j status | json "d['module']$1"
}
engine() {
	mx -j status | json 'd["engine"]'
}
engine_is() {
	[ "$(engine)" = "$1" ]
}
module_load() {
	insmod "$MXLOAD_MODULE"
}
# used SOURCE PROVIDER: of a limit; - for all of them together.
used() {
	mx -j quota | json "[q['used'] for q in d['quotas'] if (q['source'] or '-') == '$1' and (q['provider'] or '-') == '$2'][0]"
}
shares() {
	echo "$(receiver_count "$1" mx1) $(receiver_count "$1" mx2) $(receiver_count "$1" mx3)"
}

# --- the main job -------------------------------------------------------------------------------------------------------
modprobe nf_conntrack
module_load || bail "the module cannot be loaded"
lab_up
config_write
daemon_start
is "engine auto: the module decides when it is there" "$(engine)" kmod
spawn watch mail "$MXLOAD" -s "$LAB_DIR/control.sock" -j watch
ln -s "$LAB_DIR/watch.out" "$LAB_DIR/watch.json"
mta_start mail smtp_connection_cache_on_demand=no
mail_send gmail.com 90
mail_send outlook.com 90
mail_send alpha.example 30
mail_wait 90
is "real Postfix: all mail has arrived" "$(receiver_count - - message)" 210
is "in the right shares at named providers" "$(shares google), $(shares microsoft)" "50 30 10, 50 30 10"
ok "the receivers saw what was counted, for every source and provider" receivers_agree
is "no connection came from another address" "$(receiver_strangers)" 0
is "the module decided what it knows" "$(module "['decided']")" 180
is "and left to the queue what it does not know" "$(module "['left']['unknown']")" 30
like "IPv6 leaves from the sources too" "$(connect_tally mail -n 9 2001:db8:100:1::10)" "ok 9"
is "and by the module" "$(module "['decided']")" 189
is "stats: expected shares are of both engines" "$(mx -j stats | json "[round(l['expected_share'], 2) for l in d['lanes'] if l['provider'] == 'google' and l['source'] == 'mx1']")" "[0.56]"

# --- who connects: each delivery is joined to its connection by the process ----------------------------------------------
# joined: deliveries without conn_use, and connections of the same process to the same relay. Both lists are the same when
# each delivery has one connection, and each connection one source that was decided for it.
joined() {
	mta_log | $LAB_PYTHON - "$LAB_DIR/watch.json" 3<&0 <<- 'END'
		import collections, json, os, re, sys
		process, sources = {}, {}
		for line in open(sys.argv[1]):
		    e = json.loads(line)
		    key = tuple(e.get(k) for k in ("from", "from_port", "to"))
		    if e.get("local_process"):
		        process[key] = e["local_process"]
		    if e.get("event") == "decision" and e["action"] == "assign":
		        sources[key] = e["source"]
		made = collections.Counter((process[k], k[2]) for k in sources if k in process)
		lines = collections.Counter()
		for line in os.fdopen(3):
		    m = re.search(r"postfix/smtp\[(\d+)\]: \w+: .*relay=[^\[]*\[([^\]]*)\]:25, (conn_use=)?", line)
		    if m and not m.group(3):
		        lines[int(m.group(1)), m.group(2)] += 1
		print(sum((lines & made).values()), "of", sum(lines.values()))
	END
}
eventually "every delivery has a connection of its own process, also those that the queue decided" 20 equal joined "210 of 210"

# Such a Postfix logs the numbers that its processes have in their own namespace.
contained() {
	$LAB_PYTHON - "$LAB_DIR/watch.json" <<- 'END'
		import json, sys
		pairs = [(e.get("process"), e.get("local_process")) for e in map(json.loads, open(sys.argv[1]))]
		print(sum(bool(mine) and mine != outer for outer, mine in pairs))
	END
}
mta_contain
mail_send gmail.com 30
mail_send alpha.example 10
mail_wait 90
eventually "in a pid namespace of its own: every delivery, by the process as Postfix logs it" 20 equal joined "250 of 250"
ok "which has another number outside" test "$(contained)" -ge 40
end watch

# --- what is changed by hand is in force for the next connection --------------------------------------------------------
receivers_forget
mx weight mx1 google 0 > /dev/null
connect mail -n 8 198.51.100.10 > /dev/null
receiver_wait google - 8
is "a weight" "$(shares google)" "0 6 2"
mx weight mx1 google --reset > /dev/null
receivers_forget
mx pause mx2 google > /dev/null
connect mail -n 6 198.51.100.10 > /dev/null
receiver_wait google - 6
is "a pause" "$(shares google)" "5 0 1"
mx resume mx2 google > /dev/null
receivers_forget
LAB_WEIGHTS="1 0 0" config_write
mx reload > /dev/null
connect mail -n 5 198.51.100.10 > /dev/null
receiver_wait google - 5
is "a reload" "$(shares google)" "5 0 0"
before=$(module "['decided']")
mx learn 203.0.113.1 google > /dev/null # nobody is there: it is decided all the same
connect mail -n 5 -t 1 203.0.113.1 > /dev/null
is "an address that was learned" "$(($(module "['decided']") - before))" 5
mx forget 203.0.113.1 > /dev/null
connect mail -n 5 -t 1 203.0.113.1 > /dev/null
is "and forgotten" "$(($(module "['decided']") - before))" 5

# --- limits ---------------------------------------------------------------------------------------------------------------
config_write 'engine = "queue";'
mx reload > /dev/null
is "engine queue: the module decides nothing" "$(engine)" queue
LAB_GOOGLE='limits = [ "200 connections/hour" ]; weights: { mx2 = 0; mx3 = 0; }; wait = 0;' \
	LAB_MICROSOFT='total-limits = [ "100 connections/day" ]; wait = 0;' \
	LAB_YAHOO='concurrency = 2; wait = 0;' LAB_MX3='limits = [ "40 connections/week" ];' config_write
mx reload > /dev/null
is "engine auto again" "$(engine)" kmod
already=$(used mx1 google)
before=$(module "['decided']")
like "a limit for a source there: what is left, and no more" "$(connect_tally mail -n 300 -f 4 198.51.100.10)" "ok $((200 - already)) refused"
is "quota says so" "$(used mx1 google)" 200
ok "most of it was the module's" test "$(($(module "['decided']") - before))" -ge 20
like "a limit for a provider in total" "$(connect_tally mail -n 150 -f 4 198.51.100.20)" "refused"
is "is not passed" "$(used - microsoft)" 100
ok "a source's own limit holds wherever it sends" test "$(mx_count - mx3)" -le 40
live_open kept mail -n 12 198.51.100.30
is "connections at once" "$(receiver_most_open yahoo)" 6
live_close kept

# --- the daemon dies, the module goes on for a while --------------------------------------------------------------------
LAB_GOOGLE='limits = [ "2000 connections/hour" ]; weights: { mx2 = 0; mx3 = 0; }; wait = 0;' config_write
mx reload > /dev/null
connect mail -n 300 -f 4 198.51.100.10 > /dev/null
receivers_forget
daemon_kill
like "kill -9: connections flow" "$(connect_tally mail -n 600 -f 4 -t 20 198.51.100.10)" "ok [0-9]"
is "never from another address" "$(receiver_strangers)" 0
daemon_start
is "started again: the module decides" "$(engine)" kmod
ok "no connection is forgotten" test "$(used mx1 google)" -ge $((200 + 300 + $(receiver_count google mx1)))
connect mail -n 1600 -f 8 -t 20 198.51.100.10 > /dev/null
ok "the limit is not passed" test "$((500 + $(receiver_count google mx1)))" -le 2000

# --- it comes and goes under load ----------------------------------------------------------------------------------------
most=$((rounds * 75))
LAB_YAHOO="limits = [ \"$most connections/hour\" ]; wait = 0;" config_write
mx reload > /dev/null
receivers_forget
connect_tally mail -n $((rounds * 500)) -r 150 -t 20 198.51.100.30 > "$LAB_DIR/load" &
load=$!
for ((i = 0; i < rounds; i++)); do
	rmmod mxload || break
	wait_for "the queue decides" 20 engine_is queue
	module_load || break
	wait_for "the module decides" 20 engine_is kmod
	kill -0 $load 2> /dev/null || break
done
diag "loaded and unloaded $i times under load, sent $(receiver_count yahoo -) of $((3 * most))"
kill $load 2> /dev/null
wait $load
ok "unloaded and loaded under load" test "$i" -ge 1
is "none came from another address" "$(receiver_strangers)" 0
for source in mx1 mx2 mx3; do
	ok "$source has not passed its limit" test "$(receiver_count yahoo $source)" -le $most
done
rmmod mxload
eventually "unloaded: the queue decides, and status says so" 10 engine_is queue
like "and connections flow" "$(connect_tally mail -n 9 198.51.100.20)" "ok 9"
ok "mxloadd ends in order" daemon_stop
done_testing

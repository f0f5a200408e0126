#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The books balance: assigned = established + failed + pending, charged = settled + estimated - refunded; and where
# somebody meddles with conntrack, or its events are lost, the counts stay right or `mxload status` says that they are not.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# balance: the lanes where the books do not balance, and how many connections are pending.
unbalanced() {
	mx -j stats | json '[l for l in d["lanes"]
		if l["connections"] != l["established"] + l["failed"] + l["pending"]
		or l["charged"]["messages"] != l["charged"]["settled"] + l["charged"]["estimated"] - l["charged"]["refunded"]]'
}
charged() {
	mx -j stats | json "sum(l['charged']['messages'] for l in d['lanes'] if l['provider'] == '$1')"
}
used() {
	mx -j quota | json "[q['used'] for q in d['quotas'] if q['provider'] == '$1' and not q['source']][0]"
}
# told PROVIDER FIELD COUNT: conntrack tells of what has ended when it comes across it; a listing makes it look.
told() {
	at mail conntrack -L > /dev/null 2>&1
	equal "mx_count $1 - $2" "$3"
}
warned() {
	mx -j status | json 'd["warnings"]' | grep -q "$1"
}

lab_up
LAB_GOOGLE='total-limits = [ "100000 messages/week" ];' LAB_YAHOO='concurrency = 2; wait = 0; weights: { mx2 = 0; mx3 = 0; };' \
	config_write
daemon_start

live_open open mail -n 7 198.51.100.10
deaf 198.51.100.11
connect_tally mail -n 40 198.51.100.10 > /dev/null
connect_tally mail -n 6 -t 1 198.51.100.11 > /dev/null
is "some open, some closed, some never answered: the books balance" "$(unbalanced)" "[]"
is "all are charged at first" "$(used google)" 53
eventually "those that closed are told of" 10 told google established 40
is "the books balance" "$(unbalanced)" "[]"
is "the others are pending" "$(mx_count google - pending)" 13
# The SYNs that nobody answers are forgotten by conntrack after its own time, 120 s: brought forward.
at mail conntrack -D -d 198.51.100.11 > /dev/null 2>&1
eventually "those that never came about are told of" 10 told google failed 6
is "and given back" "$(used google)" 47
ok "a report settles what was estimated" mx settle mx1 google --connections 10 --messages 25 --sent 20 --deferred 5
is "the books balance" "$(unbalanced)" "[]"
is "the ledger has charged the same" "$(used google)" "$(charged google)"
live_close open
eventually "in the end nothing is pending" 10 told google pending 0
is "the books balance" "$(unbalanced)" "[]"
nok "nothing is wrong" warned conntrack

# Somebody sets the counters to zero while a mail session is open; everything was acknowledged before.
at mail ip route change default via 192.0.2.1 src 192.0.2.2 quickack 1
receivers_forget
early=$(mx_count google - early)
live_open counted mail -n 5 198.51.100.10
is "five say something" "$(live_talk counted)" 5
at mail conntrack -L -z > /dev/null 2>&1
live_close counted
eventually "the end of each is seen" 10 told google pending 0
is "established by what conntrack knows, not by counters" "$(mx_count google - established)" 52
is "they do not count as closed early" "$(mx_count google - early)" "$early"
ok "status says that bytes are too low" warned "resets the counters"

# So many connections end at once, while the daemon sleeps, that the kernel cannot tell it of all.
mx1=$(mx -j sources | json '[s["mark"] for s in d["sources"] if s["name"] == "mx1"][0]')
$LAB_PYTHON -c 'import sys
for i in range(40000):
    print(f"-I -s 192.0.2.{1 + i % 250} -d 198.51.100.30 -p tcp --sport {1024 + i // 250} --dport 25",
          f"--state TIME_WAIT -u SEEN_REPLY,ASSURED -t 600 -m {sys.argv[1]}")' "$mx1" > "$LAB_DIR/entries"
at mail conntrack -R "$LAB_DIR/entries" > /dev/null 2>&1
many_entries() {
	[ "$(at mail conntrack -C)" -gt 40000 ]
}
live_open two mail -n 2 198.51.100.30
like "two are open, a third is refused" "$(connect_tally mail -n 1 198.51.100.30)" "refused 1"
ok "conntrack is full of what ended" many_entries
daemon_signal STOP
at mail conntrack -D -p tcp -d 198.51.100.30 --state TIME_WAIT > /dev/null 2>&1
live_close two
daemon_signal CONT
eventually "status says that events are missing" 10 warned "dropped events"
served() {
	[ "$(connect_tally mail -n 1 198.51.100.30)" = "done 1 ok 1 refused 0 timeout 0 unreachable 0" ]
}
eventually "concurrency recovers: it asks conntrack itself" 10 served
is "no connection came from another address" "$(receiver_strangers)" 0
ok "mxloadd ends in order" daemon_stop
done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `pause --now` resets the open connections of a source at a provider, and no others. (Those of clients: gateway.t.)

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# entries HOST [MARK]: conntrack's TCP entries to port 25; with MARK (decimal) those that carry it.
entries() {
	{
		at "$1" conntrack -f ipv4 -L -p tcp --dport 25
		at "$1" conntrack -f ipv6 -L -p tcp --dport 25
	} 2> /dev/null | grep "mark=${2-}"
}

# ports_of RECEIVER SOURCE: the ports of its connections that the receivers have seen there, in order.
ports_of() {
	awk -v at="$1" -v from="$2" '$2 == "open" && $3 == at && $4 == from { print $5 }' "$LAB_DIR/receivers.log" | sort -n
}

# dead_ports NAME: the local ports of those that died of a reset when they talked last.
dead_ports() {
	awk '$2 == "ok" { port[$1] = $4 } $2 == "dead" && $3 == "ECONNRESET" { dead[$1] } $2 == "alive" { delete dead[$1] }
		END { for (i in dead) print port[i] }' "$LAB_DIR/$1.out" | sort -n
}

# lane PROVIDER SOURCE: what the books say: established, failed, reset, early and pending.
lane() {
	mx -j stats | json "'%d %d %d %d %d' % next(tuple(l[k] for k in ('established', 'failed', 'reset', 'early', 'pending'))
		for l in d['lanes'] if (l['provider'], l['source']) == ('$1', '$2'))"
}

# packets_cut: how many packets were answered with a reset.
packets_cut() {
	mx -j status | json 'd["table"]["cut"]'
}

refuse=268369920 # 0x0fff0000

lab_up
LAB_YAHOO='concurrency = 2; wait = 0;' config_write
daemon_start
at mail sh -c 'echo 1 > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close'
# Somebody else's marks: of sockets (below), and of connections.
at mail nft -f - <<- 'END'
	table inet other {
		chain output {
			type filter hook output priority -155; policy accept;
			tcp dport 25 ct state new ct mark set ct mark or 0x2
		}
	}
END
# What leaves from no source's address.
at net nft -f - <<- 'END'
	table inet strangers {
		counter stray {
		}
		chain arrive {
			type filter hook prerouting priority -400; policy accept;
			iifname mail0 tcp dport 25 ip saddr 192.0.2.2 counter name stray
			iifname mail0 tcp dport 25 ip6 saddr 2001:db8::2 counter name stray
		}
	}
END
mx watch > "$LAB_DIR/watch.out" &
watcher=$!

live_open four mail -n 9 198.51.100.10
live_open six mail -n 9 -m 5 2001:db8:100:1::10
live_open elsewhere mail -n 9 198.51.100.20
like "a plain pause says what is still open" "$(mx pause mx1 google)" "mx1 at google is paused.*10 connections are still open"
is "and lets it go on" "$(live_talk four) $(live_talk six)" "9 9"
like "--now resets it" "$(mx pause mx1 google --now --reason "421 4.7.28")" "mx1 at google is paused.*10 open connections reset"
is "foreign bits of the mark stay" "$(entries mail | grep -c "mark=$((refuse + 2)) ")" 10
is "the books: established, once, and none is pending" "$(lane google mx1)" "10 0 0 0 0"
is "none is listed as open" "$(mx flows | grep -c 'mx1 .*google .*established')" 0
is "those of other sources are" "$(mx flows | grep -c 'mx[23] .*google .*established')" 8
is "at the next word they are reset, and no others" "$(live_talk four)" 4
is "IPv6, and marked by somebody else, too" "$(live_talk six)" 4
is "by a reset, exactly those of mx1" "$(dead_ports four)" "$(ports_of 198.51.100.10 192.0.2.11)"
is "IPv6: exactly those of mx1" "$(dead_ports six)" "$(ports_of 2001:db8:100:1::10 2001:db8::11)"
is "mx1 goes on elsewhere" "$(live_talk elsewhere)" 9
eventually "conntrack closes them by itself" 5 equal "entries mail $((refuse + 2)) | grep -vc ' CLOSE '" 0
forgotten() {
	mx flows > /dev/null
	[ "$(entries mail $((refuse + 2)) | wc -l)" = 0 ]
}
eventually "and forgets them" 20 forgotten
is "the books are the same" "$(lane google mx1)" "10 0 0 0 0"
is "status counts them: one packet each" "$(mx -j status | json 'd["table"]["cut"], d["table"]["refused"], d["warnings"]')" "[10, 0, []]"
ok "the log says so" daemon_said "mx1 at google: 10 open connections reset"
eventually "watch says so" 5 grep -q "reset mx1 at google: 10 open connections reset$" "$LAB_DIR/watch.out"
kill $watcher
wait $watcher 2> /dev/null
like "a second time there is nothing to reset" "$(mx pause mx1 google --now)" "0 open connections reset"

# Somebody flushes conntrack while they are silent.
like "elsewhere, too" "$(mx pause mx1 microsoft --now)" "5 open connections reset"
at mail conntrack -F 2> /dev/null
known_again() {
	[ "$(entries mail | grep -c ESTABLISHED)" -ge 17 ]
}
eventually "conntrack -F: all are put back" 5 known_again
is "as what they were" "$(entries mail $((refuse + 2)) | grep -c ESTABLISHED)" 5
is "cut is cut" "$(live_talk elsewhere) $(live_talk four)" "4 4"
is "and nothing of it left from a wrong address" "$(at net nft list counter inet strangers stray | awk '$1 == "packets" { print $2 }')" 0
is "the books: once" "$(lane microsoft mx1)" "5 0 0 0 0"

# The other end speaks first: the answer of this end is what is reset.
live_open idle mail -n 9 198.51.100.10
before=$(entries mail $((2 * 65536 + 2)) | grep -cE 'ESTABLISHED.*dst=(198\.51\.100\.10|2001:db8:100:1::10) ')
like "mx2 now" "$(mx pause mx2 google --now)" "^mx2.*$before open connections reset"
end receivers
eventually "a silent one goes when the other end speaks" 10 equal packets_cut $((15 + before))
: > "$LAB_DIR/receivers.log"
# shellcheck disable=SC2046,SC2154 # words; of topology
receiver_start receivers net $(awk 'NF { print $2, $3 }' <<< "$lab_receivers")
mx resume mx1 google > /dev/null
mx resume mx2 google > /dev/null

# One network of the default provider.
for source in mx2 mx3; do
	mx weight $source default 0 > /dev/null
done
live_open alpha mail -n 2 2001:db8:100:a::40
live_open beta mail -n 2 2001:db8:100:b::50
like "--to: what is open to that network" "$(mx pause mx1 default --to 2001:db8:100:a::1)" "2 connections are still open"
like "--to --now: reset" "$(mx pause mx1 default --to 2001:db8:100:a::1 --now)" "2 open connections reset"
is "to that network, and no other" "$(live_talk alpha) $(live_talk beta)" "0 2"

# An MTA that ends by a reset itself.
mkfifo "$LAB_DIR/abrupt.in"
at mail $LAB_PYTHON -c '
import socket, struct, sys
s = socket.create_connection(("2001:db8:100:b::50", 25))
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
print(s.getsockname()[1], flush=True)
sys.stdin.readline()' <> "$LAB_DIR/abrupt.in" > "$LAB_DIR/abrupt.out" &
wait_for "it is open" 5 test -s "$LAB_DIR/abrupt.out"
like "three are open there" "$(mx pause mx1 default --to 2001:db8:100:b::1 --now)" "3 open connections reset"
echo > "$LAB_DIR/abrupt.in"
wait $!
eventually "its own reset reaches the other end" 5 grep -q "close 2001:db8:100:b::50 2001:db8::11 $(cat "$LAB_DIR/abrupt.out")$" "$LAB_DIR/receivers.log"

# Concurrency: what was cut has made room.
live_open full mail -n 6 198.51.100.30
like "full: refused" "$(connect_tally mail -n 1 198.51.100.30)" "refused 1"
like "mx1 is cut" "$(mx pause mx1 yahoo --now)" "2 open connections reset"
mx resume mx1 yahoo > /dev/null
connects() {
	connect mail -n 1 198.51.100.30 > /dev/null
}
eventually "the next finds room" 5 connects

# A SYN that nobody answers.
deaf 198.51.100.11
mx pause mx2 google > /dev/null
mx pause mx3 google > /dev/null
before=$(lane google mx1)
spawn unanswered mail $LAB_PYTHON "$lab_here/connect.py" -t 60 198.51.100.11
syn_sent() {
	entries mail | grep -q "SYN_SENT.*dst=198.51.100.11"
}
eventually "a SYN is on its way" 5 syn_sent
like "it is cut" "$(mx pause mx1 google --now)" "1 open connection reset"
is "the books: it failed" "$(lane google mx1)" "$(awk '{ $2++; $5 += 0; print }' <<< "$before")"
is "its charge was given back" "$(mx -j stats | json "[l['charged']['refunded'] for l in d['lanes'] if l['provider'] == 'google' and l['source'] == 'mx1']")" "[1]"
hear 198.51.100.11
eventually "its next SYN is reset" 10 grep -q "0 refused" "$LAB_DIR/unanswered.out"

# Under load: nobody slips through who was assigned just before.
for source in mx1 mx2 mx3; do
	mx resume $source google > /dev/null
done
mx weight mx1 google 100 > /dev/null
mkfifo "$LAB_DIR/many.in"
at mail $LAB_PYTHON "$lab_here/connect.py" --keep -n 1500 -r 600 198.51.100.10 \
	<> "$LAB_DIR/many.in" > "$LAB_DIR/many.out" &
many=$!
many_open() {
	[ "$(grep -c ok "$LAB_DIR/many.out")" -gt 300 ]
}
wait_for "many are open" 10 many_open
mx pause mx1 google --now > "$LAB_DIR/pause.out"
is "under load: none is left open" "$(entries mail $((65536 + 2)) | grep 'dst=198.51.100.10 ' | grep -c ESTABLISHED)" 0
wait_for "all are open" 20 grep -q '^done' "$LAB_DIR/many.out"
is "nor comes later" "$(entries mail $((65536 + 2)) | grep 'dst=198.51.100.10 ' | grep -c ESTABLISHED)" 0
like "hundreds were reset" "$(cat "$LAB_DIR/pause.out")" "[0-9]{3} open connections reset"
echo quit > "$LAB_DIR/many.in"
wait "$many"

# Rules of before: nothing is done by halves.
at mail nft -f - <<- 'END'
	flush chain inet mxload decide_out
	flush chain inet mxload enforce_fwd
	flush chain inet mxload cut
	delete chain inet mxload cut
	delete counter inet mxload cut
END
is "a table that cannot do it: said, and nothing is marked" "$(mx pause mx3 --now 2>&1)" \
	"mxload: paused, but the loaded table inet mxload is an older one, which resets nothing: expected mxload-rules reload"
like "a wrong value" "$(mx resume mx3 2>&1; mx resume mx3 --now 2>&1 | head -n 1)" "resume takes no --now"
ok "mxloadd ends in order" daemon_stop
done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Policy routing by mark steers every packet of a connection; while nobody wants that, first packets alone are marked.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# marked: how many packets of ours behind the first left with a mark, so far.
marked() {
	at mail nft -j list counter inet probe marked | json "d['nftables'][1]['counter']['packets']"
}
# is_steered / is_not: what the daemon has made of the chain.
is_steered() {
	at mail nft list chain inet mxload steer | grep -q 'goto restore'
}
is_not_steered() {
	! is_steered
}

lab_up
at mail nft -f - << 'END'
table inet probe {
	counter marked { }
	chain out {
		type filter hook output priority 0;
		tcp dport 25 tcp flags & (syn | ack) == ack meta mark & 0x0fff0000 != 0 counter name marked
	}
}
END
config_write
daemon_start
live_open plain mail -n 3 198.51.100.10
is "without an ip rule: sessions live" "$(live_talk plain)" 3
is "and their packets have no mark" "$(marked)" 0
at mail ip rule add fwmark 0x1/0xf000ffff table 100
live_open other mail -n 1 198.51.100.10
live_close other
is "nor by one for other bits" "$(marked)" 0
at mail ip -6 rule add fwmark 0x00020000/0x0fff0000 table 100
eventually "an ip rule for ours: the daemon hears of it" 10 is_steered
is "sessions live on" "$(live_talk plain)" 3
ok "and their packets have marks" test "$(marked)" -ge 3
live_close plain
at mail ip -6 rule del fwmark 0x00020000/0x0fff0000 table 100
eventually "it hears also of its end" 10 is_not_steered
at mail ip rule add fwmark 0x00020000/0x0fff0000 table 100
eventually "and of another" 10 is_steered
at mail ip -6 rule add fwmark 0x00020000/0x0fff0000 table 100
steered() {
	local before_syn before_all
	mx pause mx1 > /dev/null
	mx pause mx3 > /dev/null
	# The first connection also finds the neighbours; right after a link came up its SYN may have to be sent again.
	connect_tally mail "$2" > /dev/null
	before_syn=$(link_count 2 syn)
	before_all=$(link_count 1 all)
	live_open "$1" mail -n 5 "$2"
	is "$1: sessions live" "$(live_talk "$1")" 5
	is "$1: SYNs take the second link" $(($(link_count 2 syn) - before_syn)) 5
	is "$1: no packet takes the first one" "$(link_count 1 all)" "$before_all"
	live_close "$1"
	mx resume mx1
	mx resume mx3
}
steered IPv4 198.51.100.10
steered IPv6 2001:db8:100:1::10
is "from the source" "$(receiver_strangers)" 0
daemon_kill
before=$(link_count 2 syn)
receivers_forget
connect_tally mail -n 45 198.51.100.10 > /dev/null
is "dead: the fallback's connections are steered too" $(($(link_count 2 syn) - before)) "$(receiver_count google mx2)"
daemon_start
at mail ip rule del fwmark 0x00020000/0x0fff0000 table 100
at mail ip -6 rule del fwmark 0x00020000/0x0fff0000 table 100
eventually "started again, without rules" 10 is_not_steered
config_write 'mark-packets = "always";'
ok "mark-packets = always" mx reload
ok "does without rules" is_steered
config_write
ok "and auto again" mx reload
ok "does not" is_not_steered
daemon_stop
ok "who leaves leaves the marks on: rules may come" is_steered
done_testing

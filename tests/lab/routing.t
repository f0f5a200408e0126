#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Policy routing by mark steers every packet of a connection.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
at mail ip rule add fwmark 0x00020000/0x0fff0000 table 100
at mail ip -6 rule add fwmark 0x00020000/0x0fff0000 table 100
config_write
daemon_start
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
done_testing

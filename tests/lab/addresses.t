#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Addresses that come and go.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
at mail ip address del "$(source_address 3)/24" dev eth0
config_write
daemon_start
like "a missing address is named at start" "$(daemon_log)" "source mx3: 192.0.2.13 is not on this host"
like "and in status" "$(mx status)" "warning: source mx3: 192.0.2.13 is not on this host"
connect_tally mail -n 16 -f 1 198.51.100.20 > /dev/null
receiver_wait microsoft - 16
is "it is not used" "$(receiver_count microsoft mx1) $(receiver_count microsoft mx2) $(receiver_count microsoft mx3)" "10 6 0"
connect_tally mail -n 9 -f 1 2001:db8:100:2::20 > /dev/null
receiver_wait microsoft - 25
is "its IPv6 address is" "$(receiver_count microsoft mx3)" 1
at mail ip address add "$(source_address 3)/24" dev eth0
wait_for "it is noticed" 5 daemon_said "source mx3: 192.0.2.13 is on this host: used"
receivers_forget
connect_tally mail -n 9 -f 1 198.51.100.30 > /dev/null
receiver_wait yahoo - 9
is "used as soon as it is there" "$(receiver_count yahoo mx3)" 1
at mail ip address del "$(source_address 1)/24" dev eth0
gone() {
	mx -j sources | grep -q "192.0.2.11 is not on this host"
}
wait_for "it is noticed" 5 gone
receivers_forget
like "an address goes: connections flow" "$(connect_tally mail -n 8 -f 1 198.51.100.20)" "ok 8"
receiver_wait microsoft - 8
is "from the others" "$(receiver_count microsoft mx2) $(receiver_count microsoft mx3)" "6 2"
ok "mxloadd ends in order" daemon_stop

config_write 'manage-addresses = "eth0";'
daemon_start
has() {
	at mail ip address show dev eth0 | grep -q " $1/32 "
}
ok "manage-addresses adds what is missing" has "$(source_address 1)"
receivers_forget
connect_tally mail -n 9 -f 1 198.51.100.20 > /dev/null
receiver_wait microsoft - 9
is "and uses it" "$(receiver_count microsoft mx1)" 5
at mail ip address del "$(source_address 1)/32" dev eth0
eventually "adds it again when somebody takes it away" 5 has "$(source_address 1)"
sed -i "s/mx1: { address = \"[^\"]*\"; /mx1: { /" "$LAB_DIR/mxload.conf"
ok "the source loses it" mx reload
nok "it is taken away again" has "$(source_address 1)"
ok "mxloadd ends in order" daemon_stop
done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A gateway: the clients behind it are balanced, what is merely forwarded is left alone.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

LAB_HOST=gw
lab_up
config_write 'clients = [ "10.0.0.0/24", "fd00:1::/64" ];'
daemon_start
mta_start client
mail_send gmail.com 90 client
mail_wait 60 client
is "a client's mail arrives" "$(receiver_count google - message)" 90
is "from the sources" "$(receiver_strangers)" 0
is "in the right shares" "$(receiver_count google mx1) $(receiver_count google mx2) $(receiver_count google mx3)" "50 30 10"
like "IPv6 too" "$(connect_tally client -n 9 2001:db8:100:2::20)" "ok 9"
is "IPv6: from the sources" "$(receiver_strangers)" 0
like "the gateway's own mail as well" "$(connect_tally gw -n 9 198.51.100.20)" "ok 9"

# Connections that clients keep open are cut like those of the gateway itself.
live_open four client -n 9 198.51.100.20
live_open six client -n 9 2001:db8:100:2::20
like "pause --now" "$(mx pause mx1 microsoft --now)" "10 open connections reset"
is "a client's connections over mx1 are reset when it speaks, and no others" "$(live_talk four) $(live_talk six)" "4 4"
is "by a reset" "$(cat "$LAB_DIR"/{four,six}.out | grep -c 'dead ECONNRESET')" 10
like "pause --now" "$(mx pause mx2 microsoft --now)" "6 open connections reset"
end receivers
eventually "or when the other end does" 10 equal "mx -j status | json 'd[\"table\"][\"cut\"]'" 16
: > "$LAB_DIR/receivers.log"
# shellcheck disable=SC2046,SC2154 # words; of topology
receiver_start receivers net $(awk 'NF { print $2, $3 }' <<< "$lab_receivers")
mx resume mx1 microsoft > /dev/null
mx resume mx2 microsoft > /dev/null

# Inbound: the internet speaks to an MTA behind the gateway.
before=$(mx_count - -)
receiver_start inner client 10.0.0.2
at net ip route replace 10.0.0.0/24 via 198.18.0.2
like "inbound mail is only forwarded" "$(connect_tally net -n 5 10.0.0.2)" "ok 5"
is "not counted" "$(mx_count - -)" "$before"
like "with its own address" "$(awk '$2 == "open" { print $4 }' "$LAB_DIR/inner.log" | sort -u)" "^198\.18\.0\.1$"
daemon_kill
receivers_forget
like "dead: the clients' mail goes on" "$(connect_tally client -n 45 198.51.100.10)" "ok 45"
is "from the sources alone" "$(receiver_strangers)" 0
like "inbound still" "$(connect_tally net -n 5 10.0.0.2)" "ok 5"
done_testing

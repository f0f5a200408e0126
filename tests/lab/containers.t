#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Docker on the same host: its rules as dockerd makes them, and a container behind its bridge with an MTA in it. Ours stand
# beside them: its mail leaves by the sources, what it publishes stays reachable, and neither changes the other's.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/docker.sh
. "$(dirname "$0")/docker.sh"

rules() {
	at mail iptables-nft -S
	at mail iptables-nft -t nat -S
	at mail ip6tables-nft -S
	at mail ip6tables-nft -t nat -S
}
shares() {
	echo "$(receiver_count "$1" mx1) $(receiver_count "$1" mx2) $(receiver_count "$1" mx3)"
}

lab_up
docker_bridge
ok "Docker's rules can be made" docker_start 20
before=$(rules)
like "Docker alone: the container reaches the world" "$(connect_tally client -n 3 198.51.100.20)" "ok 3"
is "from the address that MASQUERADE takes" "$(receiver_count microsoft 192.0.2.2)" 3
receivers_forget

config_write 'clients = [ "172.17.0.0/16", "fd17::/64" ];'
daemon_start
mta_start client
mail_send gmail.com 90 client
ok "its MTA delivers" mail_wait 60 client
is "all of it" "$(receiver_count google - message)" 90
is "from the sources, whatever MASQUERADE says" "$(receiver_strangers)" 0
is "in the right shares" "$(shares google)" "50 30 10"
like "IPv6 too" "$(connect_tally client -n 9 2001:db8:100:2::20)" "ok 9"
is "from the sources" "$(receiver_strangers) $(shares microsoft)" "0 5 3 1"
is "Docker's rules are as they were" "$(rules)" "$before"

# What it publishes.
receiver_start inner client 172.17.0.2 fd17::2
like "the world reaches the port that the container publishes" "$(connect_tally net -n 5 192.0.2.2)" "ok 5"
is "with its own address" "$(awk '$2 == "open" { print $4 }' "$LAB_DIR/inner.log" | sort -u)" 192.0.2.1

# Docker comes and goes, and comes back as a newer version.
docker_stop
ok "a newer Docker takes its place" docker_start 28
receivers_forget
before=$(rules)
like "afterwards all is well" "$(connect_tally client -n 9 198.51.100.20)" "ok 9"
is "from the sources" "$(receiver_strangers) $(shares microsoft)" "0 5 3 1"
like "the world still comes in" "$(connect_tally net -n 5 192.0.2.2)" "ok 5"
is "and its rules are as they were" "$(rules)" "$before"

# While nobody answers the queue.
daemon_kill
receivers_forget
like "dead: the container's mail goes on" "$(connect_tally client -n 45 198.51.100.10)" "ok 45"
is "from the sources alone" "$(receiver_strangers)" 0

# A container that nobody has named is translated by Docker, to an address that is no source's: that does not leave.
config_write
daemon_start
receivers_forget
before=$(mx -j status | json 'd["table"]["guarded"]')
like "not among the clients: nothing leaves from another address" "$(connect_tally client -n 2 -t 2 198.51.100.20)" "ok 0 .*timeout 2"
is "it is dropped, and counted" "$(($(mx -j status | json 'd["table"]["guarded"]') >= before + 2)) $(receiver_count - 192.0.2.2)" "1 0"
like "its other connections go on" "$(at client $LAB_PYTHON -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.settimeout(5)
try:
    s.connect(("198.51.100.53", 53)); print("connected")
except OSError as e:
    print(e)')" connected
done_testing

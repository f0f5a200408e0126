#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A SYN that is sent again is decided once and charged once.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

LAB_HOST=gw
lab_up
config_write 'clients = [ "10.0.0.0/24", "fd00:1::/64" ];'
daemon_start

# While queued: the daemon stands still for less than the watchdog's second, and four copies wait.
# shellcheck disable=SC2016 # awk's own
waiting() {
	[ "$(at gw awk '{ n += $3 } END { print n + 0 }' /proc/net/netfilter/nfnetlink_queue)" -ge "$1" ]
}

trips() {
	mx -j status | json 'd["watchdog"]["trips"]'
}
# queued_copies PORT: two connections, from that port and the next, of which the first waits for the daemon. `counted` is
# what was counted; fails when the daemon stood still for too long, and the watchdog stepped in and dropped them.
queued_copies() {
	local before sender trips
	before=$(mx_count - -)
	trips=$(trips)
	coproc { synsend client --wait -n 4 "$from" "$1" "$to"; }
	sender=$!
	read -r -t 20 _ <&"${COPROC[0]}"
	daemon_signal STOP
	echo go >&"${COPROC[1]}"
	# No longer, however slow the machine: the watchdog's second runs.
	LAB_PATIENCE=1 wait_for "copies wait in the queue" 1 waiting 2 || diag "only one copy was queued"
	daemon_signal CONT
	wait $sender
	equal trips "$trips" || return 1
	# it may be about to say that it has
	wait_for "they are answered" 5 equal "mx_count - -" $((before + 1)) || equal trips "$trips" || return 1
	synsend client -n 3 -i 50 "$from" "$1" "$to"
	synsend client --seq 2000 "$from" $(($1 + 1)) "$to"
	wait_for "the second connection is counted" 5 equal "mx_count - -" $((before + 2))
	counted=$(($(mx_count - -) - before))
}
for to in 198.51.100.20 2001:db8:100:2::20; do
	case $to in *:*) from=fd00:1::2 ;; *) from=10.0.0.2 ;; esac
	deaf "$to"
	counted=
	for ((port = 4001; port < 4020; port += 2)); do
		queued_copies $port && break
		diag "the watchdog stepped in: once more"
		wait_for "the queue is back" 10 queue_decides client 203.0.113.50
	done
	is "$to: queued copies and later ones are one connection" "$counted" 2
	hear "$to"
done
isnt "copies were recognised" "$(mx -j status | json 'sum(q["repeated"] for q in d["queues"])')" 0

# Lost behind the queue: TCP sends it again after a second.
before=$(mx_count - -)
deaf 198.51.100.30
connect_tally client -n 5 -t 20 198.51.100.30 > "$LAB_DIR/lost.out" &
wait_for "they are decided" 5 equal "mx_count - -" $((before + 5))
hear 198.51.100.30
wait $!
like "lost SYNs come through" "$(cat "$LAB_DIR/lost.out")" "ok 5"
is "and are charged once" "$(mx_count - -)" $((before + 5))
is "mxloadd and the receivers agree" "$(receiver_count yahoo -)" 5
is "no other address" "$(receiver_strangers)" 0
ok "mxloadd ends in order" daemon_stop
done_testing

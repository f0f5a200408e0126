#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A soak: SOAK_RATE connections a second (2000) for SOAK_SECONDS (150; `make soak`: 1800), to the addresses of six
# destinations in both families, while the policy is reloaded, weights change, sources are steered and the daemon is
# started again, also after a crash, with mxrep beside it. Who was there is counted by the internet's own nft.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
# shellcheck source=tests/lab/mxrep.sh
. "$(dirname "$0")/../lab/mxrep.sh"

seconds=${SOAK_SECONDS:-150}
rate=${SOAK_RATE:-2000}
load=$lab_top/build/bench/load
port=26 # the lab's own receivers have the other
targets=198.51.100.10,198.51.100.11,198.51.100.20,198.51.100.30,203.0.113.40,203.0.113.50
targets+=,2001:db8:100:1::10,2001:db8:100:1::11,2001:db8:100:2::20,2001:db8:100:3::30,2001:db8:100:a::40,2001:db8:100:b::50
google='198.51.100.10, 198.51.100.11'
google6='2001:db8:100:1::10, 2001:db8:100:1::11'
limit=$((rate * seconds / 100)) # of mx3 at google: less than its share there

# witness NAME: connections that the internet has seen; "strangers": from none of our sources.
witness() {
	at net nft -j list counter inet witness "$1" | json 'd["nftables"][1]["counter"]["packets"]'
}
# booked: connections in the ledger since the beginning, of all sources.
booked() {
	mx -j quota | json "sum(q['used'] for q in d['quotas'] if q['period'] == 'week' and not q['provider'])"
}
# load_field NAME: what the load says in the end.
load_field() {
	json "d['$1']" < "$LAB_DIR/load.out"
}
loaded() {
	local pid
	pid=$(pid_of load) && ! pid_gone "$pid"
}

# --- what happens meanwhile, a step every other second

steps=0
crashes=0
step() {
	case $((steps++ % 9)) in
	0) mx weight mx1 google $((RANDOM % 5 + 1)) ;;
	1) mx reload ;;
	2) mx weight --reset mx1 google ;;
	3) mx backoff mx2 yahoo --for 1s --reason soak ;;
	4) mx pause mx1 microsoft --for 1s ;;
	5) mx factor mx1 google 0.5 ;;
	6) daemon_stop && daemon_start ;;
	7) mx factor mx1 google 1 ;;
	8) [ $((steps % 27)) -ne 0 ] || { crashes=$((crashes + 1)) && daemon_kill && daemon_start; } ;;
	esac > /dev/null || step_failed=$((step_failed + 1))
}

lab_up
LAB_GOOGLE="sources: { mx3: { limits = [ \"$limit connections/day\" ]; }; };"
# shellcheck disable=SC2034 # config_write reads them
LAB_MX1='limits = [ "1000000000 connections/week" ];' LAB_MX2=$LAB_MX1 LAB_MX3=$LAB_MX1
config_write "ports = [ 25, $port ];" 'reputation-user = "nobody";'
mxrep_config
daemon_start
mxrep_start
for host in mail net; do
	at $host sysctl -q net.netfilter.nf_conntrack_tcp_timeout_time_wait=1 net.netfilter.nf_conntrack_tcp_timeout_close=1
done
sources=$(for n in 1 2 3; do source_address $n 4; done | paste -sd,)
sources6=$(for n in 1 2 3; do source_address $n 6; done | paste -sd,)
at net nft -f - << END || bail "the internet counts nothing"
table inet witness {
	counter syns { }    # also those that were sent again
	counter seen { }
	counter strangers { }
	counter limited { }
	chain prerouting {
		type filter hook prerouting priority filter; policy accept;
		tcp dport != $port accept
		tcp flags & (fin | syn | rst | ack) != syn accept
		counter name syns
		ct state != new accept
		counter name seen
		ip saddr != { $sources } counter name strangers
		ip6 saddr != { $sources6 } counter name strangers
		ip saddr $(source_address 3 4) ip daddr { $google } counter name limited
		ip6 saddr $(source_address 3 6) ip6 daddr { $google6 } counter name limited
	}
}
END
# shellcheck disable=SC2086 # one word each
spawn server net "$load" server ${targets//,/ } $port
server_ready() {
	at net ss -Htln "sport = $port" | grep -q .
}
wait_for "the server listens" 10 server_ready
spawn load mail "$load" client --seconds "$seconds" --in-flight 64 --rate "$rate" --to "$targets" --port $port

begin=$(now_ms)
step_failed=0
memory=() files=() reps=()
while loaded; do
	sleep 2 # the pace of what happens, not a wait for anything
	step
	memory+=("$(resident_kb)") files+=("$(descriptors)") reps+=("$(resident_kb mxrep)")
	[ $((steps % 30)) -ne 0 ] ||
		diag "$((($(now_ms) - begin) / 1000)) of $seconds s: $(witness seen) connections, mxloadd ${memory[-1]} KiB, mxrep ${reps[-1]} KiB"
done
diag "$(load_field connections) connections in $((($(now_ms) - begin) / 1000)) s, $(load_field failures) failed; $steps steps; $(witness seen) seen, $(witness syns) SYNs"
is "every step was done" "$step_failed" 0
is "no connection was lost" "$(load_field failures)" 0
[ "$(load_field failures)" -eq 0 ] || diag "refused $(load_field refused), timed out $(load_field timed_out)" "$(mx status | grep table)"
# `seen` may be some less: what takes the ports of one that has not ended in the eyes of conntrack is not new there.
ok "all were seen" test "$(witness syns)" -ge "$(load_field connections)"
is "none from an address that is not ours" "$(witness strangers)" 0
ok "the limit was reached: $(witness limited) of $limit" test "$(witness limited)" -ge $((limit / 2))
ok "and kept" test "$(witness limited)" -le $limit
ok "the ledger forgets none: $(booked) for $(witness seen)" test "$(booked)" -ge "$(witness seen)"
# A crash costs each source at most the lease that stood in the file, and at this rate that is the largest that there is.
most=$(($(witness seen) * 102 / 100 + crashes * 3 * 16384))
ok "nor does it count many that were not: $(booked) after $crashes crashes, at most $most" test "$(booked)" -le $most

# grows LIST...: by how many percent the most of the last third is above the most of the third before.
grows() {
	printf '%s\n' "$@" | awk '{ v[NR] = $1 } END {
		for (i = 1; i <= NR; i++) {
			part = i > NR * 2 / 3 ? 2 : i > NR / 3 ? 1 : 0
			if (v[i] > most[part]) most[part] = v[i]
		}
		printf "%d\n", (most[2] - most[1]) * 100 / most[1]
	}'
}
diag "mxloadd: ${memory[0]} KiB at first, ${memory[-1]} at last; mxrep: ${reps[0]}, ${reps[-1]}; descriptors ${files[0]}, ${files[-1]}"
# Only a long one shows growth: mxrep keeps what it hears for two minutes, and a daemon that begins has to fill its caches.
if [ "$seconds" -ge 600 ]; then
	ok "the daemon's memory does not grow" test "$(grows "${memory[@]}")" -le 10
	ok "nor mxrep's" test "$(grows "${reps[@]}")" -le 10
fi
ok "the daemon takes no more than twice what it took at first" test "${memory[-1]}" -le $((2 * memory[0]))
ok "mxrep no more than 128 MiB" test "${reps[-1]}" -le 131072
ok "no more files are open than at first" test "${files[-1]}" -le $((files[0] + 2))
mxrep_stop
daemon_stop
done_testing

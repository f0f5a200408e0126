#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest works: it runs what it is told, has Debian's own kernel with all its nftables, and complaints are noticed.

set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh

# What the guest does; each part says so.
inside() {
	[ "$(uname -n)" = guest ] && echo "in the guest"
	touch "$0.written" && echo "files can be written"
	nft -f - <<- 'END' && echo "a queue rule"
		table inet smoke {
			chain out {
				type filter hook output priority 0; policy accept;
				tcp dport 26 queue flags bypass,fanout to 250-251
			}
		}
	END
	nft list table inet smoke | grep -q 'queue flags bypass,fanout to 250-251' && echo "the queue expression"
	(cd nft-rules && nft -f boot.nft) && echo "boot.nft"
	ip netns add smoke && ip link add here type veth peer name there netns smoke &&
		ip netns exec smoke ip link show there && echo "namespaces and veth"
	return 42
}

if [ "${1-}" = inside ]; then
	inside
	exit
fi

output=$(tests/vm/run --timeout 120 -- "$here/smoke.t" inside 2>&1)
is "the exit status of the command comes back" $? 42
for part in "in the guest" "files can be written" "a queue rule" "the queue expression" "boot.nft" \
	"namespaces and veth"; do
	like "works there: $part" "$output" "$part"
done
nok "the files of this host stay as they are" test -e "$here/smoke.t.written"
[ "$tap_failed" -eq 0 ] || diag "$output"

output=$(tests/vm/run --timeout 60 -- sh -c 'echo "WARNING: CPU: 0 PID: 1 at smoke" > /dev/kmsg' 2>&1)
is "a complaint of the kernel fails the run" $? 126
like "and is shown" "$output" "PID: 1 at smoke"
tests/vm/run --timeout 10 -- sleep 60 2> /dev/null
is "a command without end is ended" $? 124
done_testing

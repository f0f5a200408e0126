#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest works: it runs what it is told, has Debian's own kernel with all its nftables, and complaints are noticed.

set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh

# Some of each kind, as kernels write them. The words after the first blank are made up: some are nothing else than words.
complaints='
WARNING: CPU: 0 PID: 1 at smoke.c:1 smoke+0x1/0x2
BUG: kernel NULL pointer dereference, address: 0000000000000008
BUG kmalloc-64 (Tainted: G           O      ): Right Redzone overwritten
kernel BUG at smoke.c:2!
Oops: 0002 [#1] PREEMPT SMP
general protection fault, probably for non-canonical address 0x1
BUG: KASAN: slab-use-after-free in smoke+0x3/0x4
UBSAN: array-index-out-of-bounds in smoke.c:5:6
ODEBUG: free active (active state 0) object: 000000001 object type: timer_list
kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
refcount_t: underflow; use-after-free.
list_del corruption. prev->next should be 1, but was 2
BUG: scheduling while atomic: smoke/1/0x00000100
BUG: sleeping function called from invalid context at smoke.c:7
INFO: task smoke:1 blocked for more than 120 seconds.
WARNING: possible circular locking dependency detected
WARNING: inconsistent lock state
WARNING: suspicious RCU usage
[ BUG: Invalid wait context ]
INFO: trying to register non-static key.
DEBUG_LOCKS_WARN_ON(1)
rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [smoke:1]
unregister_netdevice: waiting for veth0 to become free. Usage count = 2
kmem_cache_destroy smoke: Slab cache still has objects
smoke: page allocation failure: order:0
Out of memory: Killed process 1 (smoke)
'
# What a kernel says when all is well.
harmless='
mxload: loading out-of-tree module taints kernel.
mxload: module verification failed: signature and/or required key missing - tainting kernel
IPv6: ADDRCONF(NETDEV_CHANGE): eth0: link becomes ready
kmemleak: Kernel memory leak detector initialized (mem pool available: 1)
Warning: unable to open an initial console.
rcu: Hierarchical RCU implementation.
debug: a bug, or oops, in small letters
'

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
	grep . <<< "$harmless" | while read -r line; do
		echo "$line" > /dev/kmsg
	done
	return 42
}

# say_all: one after another, as the kernel would: of whatever importance.
say_all() {
	grep . <<< "$complaints" | while read -r line; do
		echo "<6>$line" > /dev/kmsg
	done
}

case ${1-} in
inside | say_all)
	"$1"
	exit
	;;
esac

for kernel in $(tests/vm/kernel --list); do
	output=$(tests/vm/run --kernel "$kernel" --timeout 120 -- "$here/smoke.t" inside 2>&1)
	is "$kernel: the exit status of the command comes back" $? 42
	for part in "in the guest" "files can be written" "a queue rule" "the queue expression" "boot.nft" \
		"namespaces and veth"; do
		like "works there: $part" "$output" "$part"
	done
	nok "the files of this host stay as they are" test -e "$here/smoke.t.written"
	[ "$tap_failed" -eq 0 ] || diag "$output"
done

output=$(tests/vm/run --timeout 60 -- "$here/smoke.t" say_all 2>&1)
is "complaints of the kernel fail the run" $? 126
while read -r line; do
	[[ $output == *"vm: complaint: "*"$line"* ]]
	tap_result $? "noticed: $line"
done < <(grep . <<< "$complaints")
[ "$tap_failed" -eq 0 ] || diag "$output"
tests/vm/run --timeout 10 -- sleep 60 2> /dev/null
is "a command without end is ended" $? 124
done_testing

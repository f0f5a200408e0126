#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The scenarios of the lab that depend on the kernel: on the queue, conntrack, or the module. In one guest for each kernel,
# all of them at the same time. The essential ones are played with every engine on every kernel, the others are spread.
#
#	SCENARIOS="6.12 xtables crash" tests/vm/scenarios.t     # these lines instead of the table

set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh

# kernel, engine (see play), scenarios. Lines of the same kernel and engine belong together. Those
# of the module (kmod, module) come last: what a kernel keeps for ever after a first run would be taken for a leak.
table=${SCENARIOS:-"
6.1   nft      shares crash limits learn
6.1   xtables  repeat
6.1   kmod     mxrep-truth
6.1   module   lab replay
6.12  nft      flush gateway pause-now
6.12  xtables  shares
6.12  kmod     shares crash limits routing
6.12  module   replay abuse
"}

# orders KERNEL: what play is told there.
orders() {
	awk -v kernel="$1" '$1 == kernel { for (i = 3; i <= NF; i++) print $2 "/" $i }' <<< "$table"
}

# guest KERNEL: plays there; its lines, led by the kernel, come into the fifo as they are said.
guest() {
	local status
	# shellcheck disable=SC2046 # words
	tests/vm/run --kernel "$1" --timeout 1500 --cpus 1 -- tests/vm/play $(orders "$1") > "$folder/$1" 2>&1
	status=$?
	echo "end $status" >> "$folder/$1"
}

# follow KERNEL: what its guest says, from now until it has ended.
follow() {
	tail -n +1 -s 0.2 -f "$folder/$1" 2> /dev/null | sed -u "s/^/$1 /; /^$1 end /q"
}

folder=$(mktemp -d) || bail "no temporary folder"
children=
leave() {
	trap '' HUP INT TERM
	# shellcheck disable=SC2086 # words
	[ -z "$children" ] || { kill $children; wait $children; } 2> /dev/null
	rm -rf "$folder"
}
trap leave EXIT
trap 'exit 130' HUP INT TERM

known=$(tests/vm/kernel --list)
kernels=
while read -r kernel; do
	if grep -qx "$kernel" <<< "$known"; then
		kernels+=" $kernel"
	else
		skip "kernel $kernel" "this Debian does not have it"
	fi
done < <(awk 'NF { print $1 }' <<< "$table" | sort -uV)
mkfifo "$folder/said"
exec 3<> "$folder/said"
left=0
for kernel in $kernels; do
	: > "$folder/$kernel"
	diag "kernel $(basename "$(tests/vm/kernel "$kernel")"): $(orders "$kernel" | paste -sd ' ')"
	guest "$kernel" &
	children+=" $!"
	follow "$kernel" >&3 &
	left=$((left + 1))
done
while [ $left -gt 0 ] && read -r kernel word what status seconds <&3; do
	case $word in
	result)
		diag "$kernel $what: $seconds s" # it takes minutes: who waits shall see that it goes on
		is "$kernel: $what" "$status" 0
		echo "$what" >> "$folder/$kernel.done"
		;;
	end)
		# Each scenario has told of its own failure.
		ok "$kernel: the guest ended in order, and its kernel without a complaint" test "$what" -le 1
		is "$kernel: nothing was left out" "$(grep -v unload "$folder/$kernel.done")" "$(orders "$kernel")"
		left=$((left - 1))
		;;
	*) diag "$kernel $word $what $status $seconds" ;;
	esac
done
done_testing

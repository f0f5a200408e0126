#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a module leaves behind is found: memory in slabs, a vmalloc area, a reference to itself.

set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh

# try WHAT: with a module that leaves WHAT behind.
try() {
	echo "== $1"
	tests/vm/with-module --settle 5 "$module" leave="$1" -- echo "the command runs"
	echo "status $?"
}

if [ "${1-}" = inside ]; then
	module=$2
	for what in nothing slab area reference; do
		try $what
	done
	exit 0
fi

# of WHAT: what was said of it.
of() {
	sed -n "/^== $1\$/,/^status/p" <<< "$output"
}

for kernel in $(tests/vm/kernel --list); do
	headers=$(tests/vm/kernel --headers "$kernel" 2> /dev/null)
	folder=$PWD/build/vm/leaky/$kernel
	mkdir -p "$folder"
	cp tests/vm/leaky/* "$folder/"
	is "$kernel: a module is built there, without a word" "$(make -s -C "$headers" M="$folder" modules 2>&1 | grep -v "^Skipping BTF")" ""
	output=$(tests/vm/run --kernel "$kernel" --cpus 1 --timeout 300 -- "$here/with-module.t" inside "$folder/leaky.ko" 2>&1)
	like "one that leaves nothing" "$(of nothing)" "the command runs.*was unloaded.*status 0"
	like "memory in slabs is found" "$(of slab)" "left memory behind: 3[0-9]{3} kB.*status 1"
	like "a vmalloc area is found, though it is small" "$(of area)" "left vmalloc areas:.*status 1"
	like "a reference to itself is found" "$(of reference)" "cannot be unloaded: .*in use.*status 1"
	[ "$tap_failed" -eq 0 ] || diag "$output"
done
done_testing

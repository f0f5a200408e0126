#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# DKMS builds the module by dkms.conf, for every kernel of the guests.

set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh

PATH=$PATH:/usr/sbin
command -v dkms > /dev/null || skip_all "no dkms here (package dkms)"
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
folder=$(mktemp -d) || bail "no temporary folder"
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/src/mxload-$version" "$folder/tree"
cp -r Kbuild dkms.conf kmod core "$folder/src/mxload-$version/"

for series in $(tests/vm/kernel --list); do
	kernel=$(basename "$(tests/vm/kernel "$series" | tail -n 1)")
	ok "$kernel: DKMS builds the module" dkms build "mxload/$version" -k "$kernel" --dkmstree "$folder/tree" \
		--sourcetree "$folder/src" --kernelsourcedir "$(tests/vm/kernel --headers "$series" | tail -n 1)"
	built=$(find "$folder/tree/mxload/$version/$kernel" -name 'mxload.ko*')
	is "for that kernel" "$(modinfo -F vermagic "$built" | cut -d ' ' -f 1)" "$kernel"
done
done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The scenarios of the lab that depend on the queue or on conntrack, in a guest with Debian's kernel, which has nft's own
# `queue` expression.

set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh

# An emulated machine on a busy one is slow to start things.
export LAB_READY_WITHIN=90
for scenario in shares crash flush repeat gateway pause-now limits hold ledger pace learn; do
	output=$(tests/vm/run --timeout 300 -- "tests/lab/$scenario.t" 2>&1)
	status=$?
	is "$scenario.t passes in the guest" "$status" 0
	[ $status -eq 0 ] || diag "$(grep -v '^ok' <<< "$output" | tail -n 40)"
done
output=$(tests/vm/run -- bash -c '
	. tests/lab/lib.sh
	uname -r
	lab_up
	config_write
	daemon_start
	mx -j status' 2>&1)
like "the daemon used the queue expression there" "$output" '"queue_expression":"nft"'
diag "kernel of the guest: $(head -n 1 <<< "$output")"
done_testing

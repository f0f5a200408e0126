#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The queue engine decides as core does, told what the module is told (tests/replay). The module itself: see
# tests/replay/run-in-guest.

set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh
parity=${PARITY:-build/parity}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# same: no engine's verdicts differ in a byte from those of the queue engine.
same() {
	local queue
	for queue in "$folder"/*.queue; do
		cmp "$queue" "${queue%.queue}.core" || return 1
	done
}

ok "the same verdicts, 100,000 at least" "$parity" --least 100000 --verdicts "$folder" tests/replay/*.sequence
diag "$(tail -n 1 <<< "$tap_output")"
ok "byte for byte" same
is "every sequence has left its verdicts" "$(find "$folder" -name '*.queue' -size +0 | wc -l)" \
	"$(find tests/replay -name '*.sequence' | wc -l)"

# What is not told is missed: nothing of it is there for nothing.
while read -r kind sequence; do
	nok "without $kind they differ" "$parity" --without "$kind" "tests/replay/$sequence.sequence"
	like "and it says where" "$tap_output" \
		"$sequence.sequence, line [0-9]+, connection [0-9]+: .*  queue +(decided|left: ).*  core +(decided|left: )"
done << END
slots weights
sources weights
providers concurrency
lanes limits
recalls limits
addresses classes
END
done_testing

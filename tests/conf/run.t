#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Configurations as files: NAME.conf gives NAME.out, its canonical form, or NAME.err, its one error line.

set -u
cd "$(dirname "$0")" || exit 1
mxloadd=${MXLOADD:-../../build/mxloadd}
n=0

result() {
	n=$((n + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $n - $3"
	else
		echo "not ok $n - $3"
		diff <(echo "$2") <(echo "$1") | sed 's/^/# /'
	fi
}

for conf in *.conf; do
	name=${conf%.conf}
	if [ -e "$name.err" ]; then
		result "$("$mxloadd" -n -c "$conf" 2>&1; echo "status $?")" \
			"$(sed 's/^/mxloadd: error: /' "$name.err")"$'\n'"status 1" "$name is a mistake"
	else
		result "$("$mxloadd" -nv -c "$conf" 2>&1; echo "status $?")" "$(cat "$name.out")"$'\n'"status 0" "$name"
		result "$("$mxloadd" -nv -c "$name.out" 2>&1)" "$(cat "$name.out")" "$name reads back the same"
	fi
done
result "$("$mxloadd" -n -c missing.conf 2>&1)" \
	"mxloadd: error: missing.conf: cannot be read: expected a readable file" "a missing file"
result "$("$mxloadd" -n -c . 2>&1)" "mxloadd: error: .: cannot be read: expected a readable file" "a folder"
echo "1..$n"

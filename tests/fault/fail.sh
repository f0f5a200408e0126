# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# fail.sh - calls that fail in turn: for tests that load tests/fault/fail.c before a program. They set $fail_path.
#
# FAULTS_EVERY: of so many places one is tried (1); FAULTS_KINDS: 1 memory, 2 netlink, 4 SQLite, or a sum (7);
# FAULTS_ONLY: places by their numbers.

every=${FAULTS_EVERY:-1}
LAB_PYTHON=${LAB_PYTHON:-/usr/bin/python3}
kinds=${FAULTS_KINDS:-7}

# fail_file WANTED: what fail.c reads and notes. fail_field NAME: of it.
fail_file() {
	$LAB_PYTHON - "$fail_path" "$kinds" "$1" << 'EOF'
import os, struct, sys
path, kinds, wanted = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
size = 16 + 8 * 8192
if not os.path.exists(path):
    open(path, "wb").write(bytes(size))
with open(path, "r+b") as out:
    out.write(struct.pack("<III", kinds, wanted, 0))
EOF
	chmod 666 "$fail_path"
}
fail_field() {
	$LAB_PYTHON -c 'import struct, sys; f = struct.unpack("<IIII", open(sys.argv[1], "rb").read(16)); print(dict(failed=f[2], count=f[3])[sys.argv[2]])' "$fail_path" "$1"
}
# fail_places: the numbers of those that are to be tried, when all are known.
fail_places() {
	# shellcheck disable=SC2086 # words
	[ -n "${FAULTS_ONLY-}" ] && printf '%s\n' $FAULTS_ONLY || seq "$every" "$every" "$(fail_field count)"
}

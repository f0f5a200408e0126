#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What `make install` puts where: systemd takes the units and finds little that they expose, and the users are made.

set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
places=(PREFIX="$root/usr" SYSCONFDIR="$root/etc" STATEDIR="$root/var/lib/mxload")
units=$root/usr/lib/systemd/system

# complaints UNIT: what systemd finds wrong with it.
complaints() {
	systemd-analyze verify --man=no "$units/$1" 2>&1 | grep -F "$1"
}
# exposure UNIT: how much of the host it could reach, by systemd's own marks: 0 (nothing) to 10.
exposure() {
	systemd-analyze security --offline=true --no-pager "$units/$1" | sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p'
}
at_most() {
	awk -v number="$1" -v most="$2" 'BEGIN { exit !(number != "" && number <= most) }'
}

# whoever installs may keep files for himself, or let everybody write
with_mask() {
	(umask "$1" && shift && "$@")
}
# not_as_usual: what not everybody may read, or others may write.
not_as_usual() {
	find "$root" -type f \( -not -perm -444 -o -perm /022 \)
}
for mask in 0077 0000; do
	ok "make install, with the mask $mask" with_mask $mask make --no-print-directory "${places[@]}" install
	is "everybody may read what was installed, and no other write" "$(not_as_usual)" ""
done
is "no placeholder is left" "$(grep -rlE '@[A-Z]+@' "$root" --exclude='*.rules' --exclude-dir=sbin --exclude-dir=bin --exclude-dir=completions)" ""
for unit in mxload.service mxload-rules.service mxrep.service; do
	is "systemd takes $unit" "$(complaints $unit)" ""
	like "which needs its configuration" "$(sed -n 's/^ConditionPathExists=//p' "$units/$unit")" "^$root/etc/mxload/(mxload|mxrep).conf$"
done
for unit in mxload.service mxrep.service; do
	ok "$unit exposes at most 1.5 of 10" at_most "$(exposure $unit)" 1.5
	diag "$unit: $(exposure $unit)"
done
mkdir -p "$root/etc"
ok "systemd-sysusers" systemd-sysusers --root="$root" "$root/usr/lib/sysusers.d/mxload.conf"
is "makes both users" "$(cut -d: -f1,6,7 "$root/etc/passwd")" "mxload:/var/lib/mxload:/usr/sbin/nologin
mxrep:/var/lib/mxrep:/usr/sbin/nologin"
ok "make uninstall" make --no-print-directory "${places[@]}" uninstall
rm -f "$root"/etc/{passwd,group,shadow,gshadow,.pwd.lock}
is "leaves no file" "$(find "$root" -type f -o -type l)" ""
done_testing

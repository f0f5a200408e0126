#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The AppArmor profiles are read, and the SELinux module is built: both know the programs and folders by their places.

set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh
PATH=$PATH:/usr/sbin:/sbin

if command -v apparmor_parser > /dev/null; then
	ok "AppArmor's parser takes the profiles" make --no-print-directory apparmor
	is "which has both" "$(for profile in apparmor/*; do apparmor_parser --names --skip-cache "$profile"; done 2> /dev/null | paste -sd ' ')" \
		"mxrep mxloadd"
	is "and are for the installed programs" "$(sed -n 's/^profile [a-z]* \([^ ]*\) .*/\1/p' apparmor/* | sort | paste -sd ' ')" \
		"/usr/bin/mxrep /usr/sbin/mxloadd"
	is "mxrep has no capability" "$(grep -c capability apparmor/usr.bin.mxrep)" 0
else
	skip "AppArmor's parser takes the profiles" "no apparmor_parser here (package apparmor)"
fi

if [ -e /usr/share/selinux/devel/Makefile ]; then
	rm -f build/selinux/mxload.pp
	ok "the SELinux module is built" make --no-print-directory selinux
	folder=$(mktemp -d)
	trap 'rm -rf "$folder"' EXIT
	ok "it is a package of a module" semodule_unpackage build/selinux/mxload.pp "$folder/mod" "$folder/fc"
	like "it labels the daemon" "$(< "$folder/fc")" "/usr/sbin/mxloadd[[:space:]]+--[[:space:]]+system_u:object_r:mxload_exec_t:s0"
	like "and mxrep" "$(< "$folder/fc")" "/usr/bin/mxrep[[:space:]]+--[[:space:]]+system_u:object_r:mxrep_exec_t:s0"
else
	skip "the SELinux module is built" "no /usr/share/selinux/devel (package selinux-policy-dev)"
fi
done_testing

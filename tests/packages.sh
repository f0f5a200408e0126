# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# packages.sh - Debian's packages, downloaded and not installed. Whoever sources it has a function `die`.

# download FOLDER PACKAGE...: into $work, a new folder below FOLDER that goes when the script ends.
download() {
	mkdir -p "$1" || exit 1
	work=$(mktemp -d "$1/get-XXXXXX") || exit 1
	# shellcheck disable=SC2064 # this very folder
	trap "rm -rf '$work'" EXIT
	trap 'exit 130' INT TERM
	chmod 755 "$work"
	# The user _apt cannot write here: apt says so, and goes on as root.
	(cd "$work" && apt-get -q download "${@:2}") >&2 || die "cannot be had: ${*:2}"
}

# unpack FOLDER PACKAGE...: the same, and what is in them to $work/tree.
unpack() {
	local file
	download "$@"
	for file in "$work"/*.deb; do
		dpkg-deb -x "$file" "$work/tree" || die "$file cannot be unpacked"
	done
}

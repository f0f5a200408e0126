#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# debs.sh - for tests of the packages: a clean root, made by tests/deb/root and changed only in an overlay, with a mail
# host's network around it. Whoever sources it goes on in a mount and a process namespace of its own, so that nothing is left
# of it however it ends.

if [ -z "${DEB_WORK-}" ]; then
	[ "$(id -u)" = 0 ] || bail "this needs root (namespaces)"
	for program in debootstrap dpkg-buildpackage dh lintian; do
		command -v $program > /dev/null || skip_all "no $program here (packages debootstrap, dpkg-dev, debhelper, lintian)"
	done
	tests/deb/root > /dev/null || bail "no root to install in"
	DEB_WORK=$(mktemp -d) || bail "no temporary folder"
	export DEB_WORK
	child=
	export DEB_CGROUP=mxload-deb-$$
	leave() {
		# The group of timeout; what unshare has started ends with it.
		[ -z "$child" ] || { kill -KILL -- "-$child"; wait "$child"; } 2> /dev/null
		# shellcheck disable=SC2016 # expanded there
		unshare --mount sh -c 'mount -t cgroup2 none "$DEB_WORK" && [ ! -e "$DEB_WORK/$DEB_CGROUP" ] ||
			find "$DEB_WORK/$DEB_CGROUP" -depth -type d -exec rmdir {} ";"' 2> /dev/null
		rm -rf "$DEB_WORK"
		rmdir /etc/netns 2> /dev/null
	}
	trap leave EXIT
	trap 'exit 130' INT TERM
	mkdir -p /etc/netns
	# Where the lab keeps its names is ours alone, too.
	# shellcheck disable=SC2016 # expanded there
	timeout --signal=KILL 900 unshare --mount --pid --fork --kill-child --mount-proc -- sh -c '
		mount -t tmpfs none "$DEB_WORK" && mount -t tmpfs none /run && mount -t tmpfs none /etc/netns && exec "$0"' "$0" &
	child=$!
	wait $child
	exit
fi

# shellcheck disable=SC2034 # whoever sources this reads some of them
{
	architecture=$(dpkg --print-architecture)
	version=$(sed -n 's/^VERSION = //p' Makefile)
	next=$version.1
}
base=$PWD/build/debian-root/base
root=$DEB_WORK/root
export TMPDIR=$DEB_WORK
chmod 711 "$DEB_WORK"

# outside COMMAND... / inside COMMAND...: in the root, in the network of this host / of the lab's mail host.
clean=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive)
outside() {
	"${clean[@]}" chroot "$root" "$@"
}
inside() {
	at_net mail "${clean[@]}" chroot "$root" "$@"
}
# shellcheck disable=SC2329 # tests/lab/daemon.sh calls it
mx() {
	inside mxload "$@"
}
# root_up: an overlay on the base, with what a system has mounted.
root_up() {
	mkdir -p "$root" "$DEB_WORK/upper" "$DEB_WORK/scratch"
	mount -t overlay -o "lowerdir=$base,upperdir=$DEB_WORK/upper,workdir=$DEB_WORK/scratch" none "$root" &&
		mount -t proc none "$root/proc" && mount --bind /sys "$root/sys" && mount --rbind /dev "$root/dev" &&
		mount --bind "$base/../archives" "$root/var/cache/apt/archives" &&
		mkdir "$root/debs" && cp "$DEB_WORK"/{debs,next}/*.deb "$root/debs"
}

# needed: the packages that ours need, by apt's own reckoning.
needed() {
	outside sh -c "apt-get -s --no-install-recommends install /debs/*_${version}_*.deb" | awk '/^Inst/ && $2 !~ /^mx/ { print $2 }'
}
# install_needed PACKAGE...: these, too, from apt's downloads that are here, else from where it knows; its lists may have become
# old.
install_needed() {
	local packages
	packages="$(needed) $*"
	# shellcheck disable=SC2086 # words
	set -- apt-get -q -y --no-install-recommends -o APT::Keep-Downloaded-Packages=true -o APT::Sandbox::User=root install $packages
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	outside "$@" || { outside apt-get -q update && outside "$@"; }
}

# daemon: the process id of the daemon that runs; its helpers are its children.
daemon() {
	local pid
	for pid in $(ip netns pids "$(lab_ns mail)"); do
		[ "$(readlink "/proc/$pid/exe" | sed 's/ (deleted)$//')" = "$root/usr/sbin/mxloadd" ] &&
			[ "$(ps -o ppid= -p "$pid")" -eq 1 ] && echo "$pid"
	done
}
answers() {
	[ "$(mx -j status | json 'd["mode"]')" = "$1" ]
}
# configure: what `mxload init` has written, with three sources and two providers, one of them with a limit.
written=$root/etc/mxload/mxload.conf
configure() {
	# The first two addresses are the host's own: mail leaves from the others, as of now, and not too much of it to yahoo.
	sed -i -E 's/^mode = .*/mode = "enforce";/; /address = "(192\.0\.2\.2|198\.18\.2\.2)"/d' "$written"
	members=$(sed -nE 's/^ +([a-z0-9]+): \{ address = .*/\1 = 1;/p' "$written" | paste -sd ' ')
	sed -i -E "s/members: .*/members: { $members }; };/
		s/^( +)default: .*/\1google: { prefixes = [ \"198.51.100.8\/29\" ]; };\n\1yahoo: { prefixes = [ \"198.51.100.24\/29\" ]; limits = [ \"40 connections\/hour\" ]; wait = 0; };\n\0/" "$written"
}
# put VERSION NAME...: install these packages of ours, or upgrade to them.
put() {
	local name files=()
	for name in "${@:2}"; do
		files+=("$root/debs/${name}_$1"_*.deb)
	done
	inside dpkg -i "${files[@]#"$root"}"
}

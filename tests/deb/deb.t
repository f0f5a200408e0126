#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The packages in a clean root, with a mail host's network around it: installed, configured, started, upgraded under load,
# removed and purged. Made by tests/deb/root, changed only in an overlay. All of it happens in a mount and a process
# namespace of its own, so that nothing is left of it however it ends.

set -u
cd "$(dirname "$0")/../.." || exit 1
top=$PWD
# shellcheck source=tests/lab/lib.sh
. tests/lab/lib.sh

if [ -z "${DEB_WORK-}" ]; then
	[ "$(id -u)" = 0 ] || bail "this needs root (namespaces)"
	for program in debootstrap dpkg-buildpackage dh lintian; do
		command -v $program > /dev/null || skip_all "no $program here (packages debootstrap, dpkg-dev, debhelper, lintian)"
	done
	tests/deb/root > /dev/null || bail "no root to install in"
	DEB_WORK=$(mktemp -d) || bail "no temporary folder"
	export DEB_WORK
	child=
	# The group of timeout; what unshare has started ends with it.
	trap '[ -z "$child" ] || kill -KILL -- "-$child" 2> /dev/null; rm -rf "$DEB_WORK"; rmdir /etc/netns 2> /dev/null' EXIT
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

architecture=$(dpkg --print-architecture)
version=$(sed -n 's/^VERSION = //p' Makefile)
next=$version.1
base=$top/build/debian-root/base
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
init() {
	inside /etc/init.d/mxload "$@"
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
# install_needed: from apt's downloads that are here, else from where it knows; its lists may have become old.
install_needed() {
	local packages
	packages="$(needed) linux-headers-$architecture"
	# shellcheck disable=SC2086 # words
	set -- apt-get -q -y --no-install-recommends -o APT::Keep-Downloaded-Packages=true -o APT::Sandbox::User=root install $packages
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	outside "$@" || { outside apt-get -q update && outside "$@"; }
}

# files: all there is in the root, but for what apt and those who make users write of themselves.
files() {
	find "$root" -xdev '(' -path "$root/var/lib/dpkg" -o -path "$root/var/cache" -o -path "$root/debs" ')' -prune -o -printf '/%P\n' |
		grep -vE '^/etc/((passwd|group|shadow|gshadow|subuid|subgid)-|\.pwd\.lock)$|^/var/log/((dpkg|alternatives)\.log|apt/.*)$' | sort
}
# users: those that were not there before.
users() {
	cut -d: -f1 "$root/etc/passwd" | grep -vxF "$known" | sort | paste -sd ' '
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
modules() {
	find "$root/lib/modules/" -name 'mxload.ko*'
}
# sources: all that is here, but for what is built.
sources() {
	find . -path ./build -prune -o -path ./.git -prune -o -printf '%p %s\n' | sort
}
# put VERSION NAME...: install these packages of ours, or upgrade to them.
put() {
	local name files=()
	for name in "${@:2}"; do
		files+=("$root/debs/${name}_$1"_*.deb)
	done
	inside dpkg -i "${files[@]#"$root"}"
}

here=$(sources)
ok "make deb" make --no-print-directory deb DEBS="$DEB_WORK/debs"
install -d -o daemon "$DEB_WORK/daemons"
ok "by an ordinary user, without a network, another version" unshare --net -- setpriv --reuid=daemon --regid=daemon --clear-groups \
	env TMPDIR="$DEB_WORK/daemons" make --no-print-directory deb DEBS="$DEB_WORK/daemons/next" VERSION="$next"
is "nothing is left beside the sources" "$(diff <(echo "$here") <(sources))" ""
mv "$DEB_WORK/daemons/next" "$DEB_WORK/next"
for name in debs next; do
	is "lintian has nothing to say ($name)" "$(lintian --allow-root --tag-display-limit 0 "$DEB_WORK/$name"/*.changes 2>&1)" ""
done

lab_up
root_up || bail "no root"
install_needed > "$DEB_WORK/log" 2>&1 || bail "$(tail -n 20 "$DEB_WORK/log")"
echo "nameserver $lab_resolver" > "$root/etc/resolv.conf"
# There is no init in it, which a maintainer script would take for a no to each start and stop.
printf '#!/bin/sh\nexit 104\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
kernel=$(basename "$(dirname "$(ls -d "$root"/lib/modules/*/build)")")
outside depmod "$kernel" 2> /dev/null
before=$(files)
known=$(cut -d: -f1 "$root/etc/passwd")

ok "install: mxload and mxrep" put "$version" mxload mxrep
is "makes the users" "$(users)" "mxload mxrep"
is "starts nothing that is not configured" "$(daemon)" ""
nok "loads no table" table_loaded
nok "the init script does not start it either" init start
like "and says why" "$tap_output" "not configured: /etc/mxload/mxload.conf is missing"
nok "nor loads a table" table_loaded

ok "install: mxload-dkms" put "$version" mxload-dkms
is "builds the module" "$(modules | wc -l)" 1
is "for the kernel whose headers are there" "$(modinfo -F vermagic "$(modules)" | cut -d ' ' -f 1)" "$kernel"

ok "configure: mxload init" inside mxload init --output /etc/mxload/mxload.conf
ok "the init script starts it" init start
eventually "it decides, in observe mode" 10 answers observe
is "as the user mxload" "$(stat -c %u "/proc/$(daemon)")" "$(awk -F: '$1 == "mxload" { print $3 }' "$root/etc/passwd")"

# The first two addresses are the host's own: mail leaves from the others, as of now, and not too much of it to yahoo.
written=$root/etc/mxload/mxload.conf
sed -i -E 's/^mode = .*/mode = "enforce";/; /address = "(192\.0\.2\.2|198\.18\.2\.2)"/d' "$written"
members=$(sed -nE 's/^ +([a-z0-9]+): \{ address = .*/\1 = 1;/p' "$written" | paste -sd ' ')
sed -i -E "s/members: .*/members: { $members }; };/
	s/^( +)default: .*/\1google: { prefixes = [ \"198.51.100.8\/29\" ]; };\n\1yahoo: { prefixes = [ \"198.51.100.24\/29\" ]; limits = [ \"40 connections\/hour\" ]; wait = 0; };\n\0/" "$written"
ok "the configuration is well" inside mxload check /etc/mxload/mxload.conf
ok "restart" init restart
eventually "in enforce mode" 10 answers enforce
receivers_forget
like "connections go" "$(connect_tally mail -n 30 198.51.100.10)" "ok 30"
is "by the weights" "$(for n in 1 2 3; do receiver_count google mx$n; done | paste -sd ' ')" "10 10 10"
source=$(mx -j sources | json '[s["name"] for s in d["sources"] if s["address"] == "192.0.2.13"][0]')
ok "a weight is changed" mx weight "$source" google 2

inside sh -c 'printf "%s\n" "logs: { mail: { path = \"/var/log/mail.log\"; }; };" "domains = [ \"example.com\" ];" > /etc/mxload/mxrep.conf'
ok "mxrep takes its configuration" inside setpriv --reuid=mxrep --regid=mxrep --init-groups mxrep check

arrived() {
	[ "$(receiver_count google -)" -ge "$1" ]
}
old=$(daemon)
table=$(table_handle)
receivers_forget
stream_start free mail 100 198.51.100.10
stream_start limited mail 20 198.51.100.30
wait_for "the load is on" 10 arrived 100
ok "upgrade, under load" put "$next" mxload mxrep
eventually "it decides again" 10 answers enforce
seen=$(receiver_count google -)
wait_for "connections go on" 10 arrived $((seen + 50))
ok "all the while connections were made" stream_end
is "it is the new daemon" "$(inside mxloadd -V)/$([ "$(daemon)" = "$old" ] || echo another)" "mxloadd $next/another"
is "the one that there is" "$(daemon | wc -l)" 1
is "the table has stayed" "$(table_handle)" "$table"
like "no connection is lost" "$(stream_tally free)" "^ok [0-9]+ refused 0 lost 0$"
diag "without a limit: $(stream_tally free); with one: $(stream_tally limited)"
is "none came from another address" "$(receiver_strangers)" 0
connect mail -n 120 -t 20 198.51.100.30 > /dev/null
receiver_wait yahoo - 120
is "the limit is kept by each source, and used" "$(for n in 1 2 3; do receiver_count yahoo mx$n; done | paste -sd ' ')" "40 40 40"
is "the operator's weight is still in force" "$(mx -j explain 198.51.100.10 | json "[c['weight'] for c in d['candidates'] if c['source'] == '$source']")" "[2]"

old=$(daemon)
cp "$written" "$DEB_WORK/good.conf"
echo 'nonsense = 1;' >> "$written"
ok "upgrade, with a configuration that does not start" put "$next" mxload
like "says so" "$tap_output" "has to be changed first, what runs goes on"
is "and what runs goes on" "$(daemon)" "$old"
cp "$DEB_WORK/good.conf" "$written"

ok "upgrade: mxload-dkms" put "$next" mxload-dkms
is "one module is there" "$(modules | wc -l)" 1
is "of the new version" "$(inside dkms status -k "$kernel" | sed 's/,.*//')" "mxload/$next"

ok "remove" inside dpkg -r mxload-dkms mxrep mxload
is "no daemon runs" "$(daemon)" ""
nok "the table is gone" table_loaded
is "mail goes as before" "$(connect_tally mail -n 5 198.51.100.10)" "done 5 ok 5 refused 0 timeout 0 unreachable 0"
is "the module is gone" "$(modules)" ""
ok "configuration and ledger stay" test -s "$written" -a -s "$root/etc/mxload/mxrep.conf" -a -s "$root/var/lib/mxload/ledger.db"

ok "install again" put "$next" mxload
eventually "starts what was configured" 10 answers enforce
is "which remembers" "$(connect_tally mail -n 5 198.51.100.30)" "done 5 ok 0 refused 5 timeout 0 unreachable 0"

ok "purge" inside dpkg -P mxload-dkms mxrep mxload
is "no daemon runs" "$(daemon)" ""
nok "the table is gone" table_loaded
is "nothing is left" "$(comm -13 <(echo "$before") <(files))" ""
is "nor missing" "$(comm -23 <(echo "$before") <(files))" ""
is "but the users" "$(users)" "mxload mxrep"
done_testing

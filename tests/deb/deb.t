#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The packages in a clean root, with a mail host's network around it: installed, configured, started, upgraded under load,
# removed and purged, by an init script.

set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/lib.sh
. tests/lab/lib.sh
# shellcheck source=tests/deb/debs.sh
. tests/deb/debs.sh

init() {
	inside /etc/init.d/mxload "$@"
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
modules() {
	find "$root/lib/modules/" -name 'mxload.ko*'
}
# sources: all that is here, but for what is built.
sources() {
	find . -path ./build -prune -o -path ./.git -prune -o -printf '%p %s\n' | sort
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
install_needed "linux-headers-$architecture" > "$DEB_WORK/log" 2>&1 || bail "$(tail -n 20 "$DEB_WORK/log")"
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

configure
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

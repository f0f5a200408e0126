#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The packages under a real systemd, the first process of a container in a mail host's network: the units start, hold what
# they promise, and a restart, a hang, a crash and an upgrade under load lose nothing.

set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/lib.sh
. tests/lab/lib.sh
# shellcheck source=tests/deb/debs.sh
. tests/deb/debs.sh

# system_up: systemd as the first process of namespaces of its own, but for the network. Who is in a chroot may not make user
# namespaces, as mxrep.service does.
system_up() {
	mkdir "$DEB_WORK/cgroup"
	mount -t cgroup2 none "$DEB_WORK/cgroup" && mkdir "$DEB_WORK/cgroup/$DEB_CGROUP" || return 1
	cat > "$root/first" <<- END
		mount -t tmpfs none /run && mkdir /run/lock && mount -t cgroup2 none /sys/fs/cgroup && mount -t proc none /proc &&
			exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=other /lib/systemd/systemd --system --log-target=console
	END
	# shellcheck disable=SC2016 # expanded there
	at_net mail sh -c 'echo $$ > "$0/cgroup.procs"
		exec unshare --pid --fork --kill-child --mount --uts --ipc --cgroup sh -c "cd $1 && pivot_root . mnt && umount -l /mnt && exec /bin/sh /first"' \
		"$DEB_WORK/cgroup/$DEB_CGROUP" "$root" < /dev/null > "$DEB_WORK/systemd.log" 2>&1 &
	wait_for "systemd is there" 60 inside systemctl is-system-running --wait --quiet
}
# inside COMMAND...: where systemd is the first process.
inside() {
	nsenter -t "$(head -n 1 "$DEB_WORK/cgroup/$DEB_CGROUP/init.scope/cgroup.procs")" -a -r -w -- "${clean[@]}" "$@"
}
main_pid() {
	inside systemctl show -P MainPID "${1-mxload}"
}
active() {
	inside systemctl is-active "${1-mxload}"
}
# journal PATTERN: what the daemon has said since it was started last.
journal() {
	inside journalctl -q -o cat -u mxload "_PID=$(main_pid)" | grep -E "$1"
}
# another PID: the daemon is another one than that, and answers.
another() {
	[ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ] && answers enforce
}
facts() {
	# shellcheck disable=SC2016 # expanded there
	inside sh -c 'cat /proc/"$0"/task/*/status' "$(main_pid "${1-mxload}")" | awk '/^(Uid|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):/ { print $1 $2 }' | sort -u | paste -sd ' '
}
arrived() {
	[ "$(receiver_count google -)" -ge "$1" ]
}
# under_load WHAT COMMAND...: while connections are made; none is lost, and the daemon is another one afterwards.
under_load() {
	local what=$1 before seen
	before=$(main_pid)
	shift
	seen=$(receiver_count google -)
	stream_start "$what" mail 100 198.51.100.10
	wait_for "the load is on" 10 arrived $((seen + 50))
	ok "$what, under load" "$@"
	eventually "another daemon decides" 30 another "$before"
	seen=$(receiver_count google -)
	wait_for "connections go on" 10 arrived $((seen + 50))
	ok "all the while connections were made" stream_end
	like "no connection is lost" "$(stream_tally "$what")" "^ok [0-9]+ refused 0 lost 0$"
}

ok "make deb" make --no-print-directory deb DEBS="$DEB_WORK/debs"
ok "and another version" make --no-print-directory deb DEBS="$DEB_WORK/next" VERSION="$next"
lab_up
root_up || bail "no root"
install_needed systemd-sysv > "$DEB_WORK/log" 2>&1 || bail "$(tail -n 20 "$DEB_WORK/log")"
echo "nameserver $lab_resolver" > "$root/etc/resolv.conf"
system_up || bail "no systemd: $(tail -n 5 "$DEB_WORK/systemd.log")"

ok "install" put "$version" mxload mxrep
is "nothing that is not configured is started" "$(active; active mxload-rules; active mxrep)" "inactive
inactive
inactive"
ok "both are enabled" inside systemctl is-enabled mxload mxload-rules mxrep
inside mxload init --output /etc/mxload/mxload.conf
configure
ok "systemctl start" inside systemctl start mxload
is "it is active when it decides" "$(active) $(inside systemctl show -P StatusText mxload)" "active deciding"
is "the table was loaded before" "$(active mxload-rules)" "active"
user=$(inside id -u mxload)
is "as the user mxload, with one capability" "$(facts)" \
	"CapAmb:0000000000001000 CapBnd:0000000000001000 CapEff:0000000000001000 CapPrm:0000000000001000 NoNewPrivs:1 Seccomp:2 Uid:$user"
is "it complains of nothing" "$(journal 'warning|error|libcap')" ""
like "the kernel's counters of queues are known" "$(mx -j status | json '[q["waiting"] for q in d["queues"]]')" "^\[[0-9]+, [0-9]+\]$"
like "connections go" "$(connect_tally mail -n 30 198.51.100.10)" "ok 30"
is "by the weights" "$(for n in 1 2 3; do receiver_count google mx$n; done | paste -sd ' ')" "10 10 10"
ok "the table that somebody flushed comes back" sh -c "ip netns exec $(lab_ns mail) nft flush ruleset"
eventually "by the loader, in the same bounds" 10 table_loaded
generation=$(mx -j status | json 'd["generation"]')
ok "systemctl reload" inside systemctl reload mxload
newer() {
	[ "$(mx -j status | json 'd["generation"]')" -gt "$generation" ]
}
eventually "it has read its configuration again" 10 newer

table=$(table_handle)
under_load "systemctl restart" inside systemctl restart mxload
under_load "kill -9" inside systemctl kill -s KILL --kill-whom=main mxload
mkdir -p "$root/etc/systemd/system/mxload.service.d"
printf '[Service]\nWatchdogSec=3\n' > "$root/etc/systemd/system/mxload.service.d/soon.conf"
inside systemctl daemon-reload
under_load "a new watchdog" inside systemctl restart mxload
under_load "a hang" inside systemctl kill -s STOP --kill-whom=main mxload
under_load "upgrade" put "$next" mxload mxrep
is "to the other version" "$(inside mxloadd -V)" "mxloadd $next"
is "the table has stayed all the while" "$(table_handle)" "$table"
is "none came from another address" "$(receiver_strangers)" 0
is "a limit holds through all of it" "$(connect_tally mail -n 130 198.51.100.30 | sed 's/.*ok \([0-9]*\) .*/\1/')" 120

printf '%s\n' 'logs: { mail: { path = "/var/log/mail.log"; }; };' 'domains = [ "example.com" ];' > "$root/etc/mxload/mxrep.conf"
install -g "$(inside getent group adm | cut -d : -f 3)" -m 640 /dev/null "$root/var/log/mail.log"
ok "mxrep is started" inside systemctl start mxrep
hears() {
	inside journalctl -q -o cat -u mxrep | grep -q "tells of its connections"
}
eventually "and is let in by the daemon" 20 hears
user=$(inside id -u mxrep)
is "it may do nothing" "$(facts mxrep)" \
	"CapAmb:0000000000000000 CapBnd:0000000000000000 CapEff:0000000000000000 CapPrm:0000000000000000 NoNewPrivs:1 Seccomp:2 Uid:$user"

ok "systemctl stop" inside systemctl stop mxload
ok "the table goes on without the daemon" table_loaded
like "and mail with it" "$(connect_tally mail -n 9 198.51.100.10)" "ok 9"
ok "remove" inside dpkg -r mxrep mxload
nok "nothing of it is left to run" active
nok "the table is gone" table_loaded
like "mail goes as before" "$(connect_tally mail -n 5 198.51.100.10)" "ok 5"
done_testing

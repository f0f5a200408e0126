# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# lib.sh - the lab: a small internet in network namespaces, for tests and for `./bootstrap run`.
#
#    mail                                            net ("the internet")
#   +-----------------------------+                 +------------------------------------------------+
#   | eth0 192.0.2.2 2001:db8::2  |---- link 1 -----| mail0 192.0.2.1 2001:db8::1                    |
#   |  mx1 192.0.2.11 2001:db8::11|                 |   resolver (dnsmasq) 198.51.100.53             |
#   |  mx2 192.0.2.12 2001:db8::12|                 |   SMTP receivers, on port 25:                  |
#   |  mx3 192.0.2.13 2001:db8::13|                 |   google    198.51.100.10, .11                 |
#   | eth1 198.18.2.2 fd00:2::2   |---- link 2 -----|             2001:db8:100:1::10, ::11           |
#   |  (routing table 100)        |                 |   microsoft 198.51.100.20 2001:db8:100:2::20   |
#   +-----------------------------+                 |   yahoo     198.51.100.30 2001:db8:100:3::30   |
#    client             gw                          |   alpha     203.0.113.40  2001:db8:100:a::40   |
#   +------------+     +--------------------+       |   beta      203.0.113.50  2001:db8:100:b::50   |
#   | eth0       |     | eth0 198.18.0.2    |-------| gw0   198.18.0.1 2001:db8:1::1                 |
#   |  10.0.0.2  |     |      2001:db8:1::2 |       | mail1 198.18.2.1 fd00:2::1                     |
#   |  fd00:1::2 |-----|  mx1 198.18.0.11 ..|       +------------------------------------------------+
#   +------------+     | eth1 10.0.0.1      |
#                      |      fd00:1::1     |       The first address of mail and gw is not a source.
#                      +--------------------+
#
# A test reads like this (run it as root, V=1 shows the commands):
#
#	. "$(dirname "$0")/lib.sh"
#	lab_up
#	config_write
#	daemon_start
#	mta_start
#	mail_send gmail.com 90
#	mail_wait 30
#	is "mx1 has its share" "$(receiver_count google mx1)" 50
#	done_testing
#
# Settings, before lab_up: LAB_SOURCES (3), LAB_HOST (where the daemon runs: mail or gw), MXLOADD, MXLOAD, V; LAB_ENGINE and
# LAB_QUEUE (daemon.sh); LAB_PATIENCE (1): on a slow machine every wait may take so many times longer;
# LAB_LESS (1): where a test sends much mail to see shares, only so small a part of it, by as few processes.

LAB_SOURCES=${LAB_SOURCES:-3}
LAB_HOST=${LAB_HOST:-mail}
V=${V:-0}
lab_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab_top=$(cd "$lab_here/../.." && pwd)
MXLOADD=${MXLOADD:-$lab_top/build/mxloadd}
MXLOAD=${MXLOAD:-$lab_top/build/mxload}
LAB_PYTHON=/usr/bin/python3
LAB_DIR=
lab_streams=()
lab_hosts="mail gw client net"
PATH=$PATH:/usr/sbin:/sbin

# shellcheck source=tests/lab/tap.sh
. "$lab_here/tap.sh"
# shellcheck source=tests/lab/topology
. "$lab_here/topology"
# shellcheck source=tests/lab/mta.sh
. "$lab_here/mta.sh"
# shellcheck source=tests/lab/daemon.sh
. "$lab_here/daemon.sh"

# lab_ns HOST: the name of its namespace.
lab_ns() {
	echo "mxl-$$-$1"
}

# at HOST COMMAND...: run a command on a host.
at() {
	local host=$1
	shift
	[ "$V" = 0 ] || diag "$host# $*"
	ip netns exec "mxl-$$-$host" "$@"
}

# at_net HOST COMMAND...: the same for what needs the host's network alone and none of its files (resolv.conf): half as long
# under way, which counts in an emulated guest.
at_net() {
	local host=$1
	shift
	[ "$V" = 0 ] || diag "$host# $*"
	nsenter --net="/run/netns/mxl-$$-$host" -- "$@"
}

# spawn NAME HOST COMMAND...: run it on a host in the background; its pid is in $LAB_DIR/NAME.pid, its output in NAME.out.
spawn() {
	local name=$1 host=$2
	shift 2
	[ "$V" = 0 ] || diag "$host# $* &"
	# exec, so that the pid is the command's own.
	(exec ip netns exec "mxl-$$-$host" "$@" < /dev/null > "$LAB_DIR/$name.out" 2>&1) &
	echo $! > "$LAB_DIR/$name.pid"
}

# pid_of NAME: the process id of something spawned; fails when it is gone.
pid_of() {
	local pid
	{ read -r pid < "$LAB_DIR/$1.pid"; } 2> /dev/null && kill -0 "$pid" 2> /dev/null && echo "$pid"
}

# pid_gone PID: no such process, or only its zombie.
pid_gone() {
	local state
	{ read -r state < "/proc/$1/stat"; } 2> /dev/null || return 0
	state=${state##*) }
	[ "${state%% *}" = Z ]
}

# end NAME [SIGNAL]: end something spawned, by KILL when it does not hear; returns its exit status.
end() {
	local pid
	{ read -r pid < "$LAB_DIR/$1.pid"; } 2> /dev/null || return 0
	rm -f "$LAB_DIR/$1.pid"
	kill "-${2-TERM}" "$pid" 2> /dev/null
	wait_for "$1 ends" 10 pid_gone "$pid" || kill -KILL "$pid" 2> /dev/null
	wait "$pid" 2> /dev/null
}

# lab_up: builds the hosts, starts the resolver and the receivers; everything goes when the script ends.
lab_up() {
	local host
	[ "$(id -u)" = 0 ] || bail "the lab needs root (network namespaces)"
	trap lab_down EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	LAB_DIR=$(mktemp -d "${TMPDIR:-/tmp}/mxl-$$-XXXXXX") || bail "no temporary directory"
	# Postfix's own user must get through, but nobody needs to look around.
	chmod 711 "$LAB_DIR"
	for host in $lab_hosts; do
		ip netns add "$(lab_ns "$host")" || bail "no network namespaces here"
		mkdir -p "/etc/netns/$(lab_ns "$host")"
		echo "nameserver $lab_resolver" > "/etc/netns/$(lab_ns "$host")/resolv.conf"
	done
	topology_up || bail "the lab's network could not be built"
	topology_names > "$LAB_DIR/names"
	resolver_start
	# shellcheck disable=SC2046
	receiver_start receivers net $(awk 'NF { print $2, $3 }' <<< "$lab_receivers")
}

# lab_down: takes everything away again; may be called twice.
lab_down() {
	local host pid pids end
	trap '' HUP INT TERM
	[ -n "$LAB_DIR" ] || return 0
	[ -z "${KEEP_LOGS-}" ] || cp -r "$LAB_DIR" "$KEEP_LOGS"
	# Whatever runs in our namespaces was started by us. The shell need not announce each end.
	disown -a
	{
		end=$(($(now_ms) + 5000))
		while
			pids=$(for host in $lab_hosts; do ip netns pids "$(lab_ns "$host")"; done)
			[ -n "$pids" ] && [ "$(now_ms)" -lt "$end" ]
		do
			for pid in $pids; do
				kill -KILL "$pid"
			done
		done
	} 2> /dev/null
	for host in $lab_hosts; do
		ip netns del "$(lab_ns "$host")" 2> /dev/null
		rm -rf "/etc/netns/mxl-$$-$host"
	done
	rmdir /etc/netns 2> /dev/null
	rm -rf "$LAB_DIR"
	LAB_DIR=
	trap - HUP INT TERM
}

# resolver_start: the names of the lab's internet, and lines of dnsmasq.conf in LAB_DNS.
resolver_start() {
	awk -v resolver="$lab_resolver" '
	BEGIN {
		print "no-resolv\nno-hosts\nno-daemon\nbind-interfaces\nlisten-address=" resolver "\nlocal=/#/\nuser=root"
		print "pid-file=\ncache-size=1000\nlocal-ttl=60"
		print "mx-host=gmail.com,gmail-smtp-in.l.google.com,5\nmx-host=gmail.com,alt1.gmail-smtp-in.l.google.com,5"
		print "mx-host=outlook.com,outlook-com.olc.protection.outlook.com,5"
		print "mx-host=yahoo.com,mta5.am0.yahoodns.net,1"
		print "mx-host=alpha.example,mx.alpha.example,10\nmx-host=beta.example,mx.beta.example,10"
		name["198.51.100.10"] = "gmail-smtp-in.l.google.com"
		name["198.51.100.11"] = "alt1.gmail-smtp-in.l.google.com"
		name["198.51.100.20"] = "outlook-com.olc.protection.outlook.com"
		name["198.51.100.30"] = "mta5.am0.yahoodns.net"
		name["203.0.113.40"] = "mx.alpha.example"
		name["203.0.113.50"] = "mx.beta.example"
	}
	NF { print "host-record=" name[$2] "," $2 "," $3 }' <<< "$lab_receivers" > "$LAB_DIR/dnsmasq.conf"
	printf '%s\n' "${LAB_DNS-}" >> "$LAB_DIR/dnsmasq.conf"
	resolver_run
}

# resolver_run: it answers by $LAB_DIR/dnsmasq.conf.
resolver_run() {
	rm -f "$LAB_DIR/resolver.out"
	spawn resolver net dnsmasq --conf-file="$LAB_DIR/dnsmasq.conf"
	wait_for "the resolver starts" 5 grep -q 'started' "$LAB_DIR/resolver.out" || bail "$(cat "$LAB_DIR/resolver.out")"
}

# unbound_start HOST: a resolver of its own on HOST, which asks that of the lab; nothing is kept in its cache.
unbound_start() {
	echo "nameserver 127.0.0.1" > "/etc/netns/$(lab_ns "$1")/resolv.conf"
	cat > "$LAB_DIR/unbound.conf" <<- END
		server:
		    interface: 127.0.0.1
		    interface: ::1
		    do-daemonize: no
		    username: ""
		    chroot: ""
		    directory: "$LAB_DIR"
		    pidfile: ""
		    use-syslog: no
		    verbosity: 1
		    cache-max-ttl: 0
		    cache-max-negative-ttl: 0
		    module-config: "iterator"
		    local-zone: "example." nodefault
		    do-not-query-localhost: no
		forward-zone:
		    name: "."
		    forward-addr: $lab_resolver
		remote-control:
		    control-enable: no
	END
	spawn unbound "$1" unbound -d -c "$LAB_DIR/unbound.conf"
	wait_for "unbound starts" 10 grep -q 'start of service' "$LAB_DIR/unbound.out" || bail "$(cat "$LAB_DIR/unbound.out")"
}

# resolver_change SCRIPT [LINE...]: from now on it answers otherwise: its configuration is edited by sed, and lines are added.
resolver_change() {
	sed -i -e "$1" "$LAB_DIR/dnsmasq.conf"
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" >> "$LAB_DIR/dnsmasq.conf"
	end resolver
	resolver_run
}

# resolver_breaks DOMAIN / resolver_mends DOMAIN: what is asked of a domain ends with SERVFAIL / is answered again. What the
# resolver knows itself of the names in it has to be taken out before.
resolver_breaks() {
	if ! pid_of servfail > /dev/null; then
		spawn servfail net $LAB_PYTHON "$lab_here/dns_servfail.py" 5399
		wait_for "the failing name server starts" 5 grep -q ready "$LAB_DIR/servfail.out" || bail "$(cat "$LAB_DIR/servfail.out")"
	fi
	resolver_change "/^mx-host=$1,/s/^/#/" "server=/$1/127.0.0.1#5399"
}
resolver_mends() {
	resolver_change "/^server=.$1.127/d; s/^#mx-host=$1,/mx-host=$1,/"
}

# resolver_silent / resolver_speaks: nothing is answered, by nobody / all is.
resolver_silent() {
	kill -STOP "$(pid_of resolver)"
}
resolver_speaks() {
	kill -CONT "$(pid_of resolver)"
}

# receiver_start NAME HOST ADDRESS...: SMTP receivers; their events go to $LAB_DIR/NAME.log (receiver.py says which).
receiver_start() {
	local name=$1 host=$2
	shift 2
	spawn "$name" "$host" $LAB_PYTHON "$lab_here/receiver.py" --log "$LAB_DIR/$name.log" --script "$LAB_DIR/$name.script" "$@"
	wait_for "$name start" 10 grep -q ready "$LAB_DIR/$name.log" || bail "$(cat "$LAB_DIR/$name.out")"
}

# receivers_hold / receivers_release: from now on no message is answered (sessions stay open) / all are.
receivers_hold() {
	kill -USR1 "$(pid_of receivers)"
}
receivers_release() {
	kill -USR2 "$(pid_of receivers)"
}

# receivers_answer LINE...: from now on these are the lines of the receivers' script (see receiver.py); none: as usual.
receivers_answer() {
	printf '%s\n' "$@" > "$LAB_DIR/receivers.script.new"
	mv "$LAB_DIR/receivers.script.new" "$LAB_DIR/receivers.script"
}

# receivers_forget: start counting from zero.
receivers_forget() {
	: > "$LAB_DIR/receivers.log"
}

# receiver_count PROVIDER SOURCE [KIND]: events (open, message, close) seen; "-" stands for any provider or source, default
# for alpha and beta; an address that is no source's, or no receiver's, is counted under its own text.
receiver_count() {
	awk -v provider="$1" -v from="$2" -v kind="${3-open}" '
	FNR == NR { name[$1] = $2; next }
	$2 == kind && at_provider(called($3)) && (from == "-" || from == called($4)) { n++ }
	END { print n + 0 }
	function at_provider(p) { return provider == "-" || provider == p || (provider == "default" && p ~ /^(alpha|beta)$/) }
	function called(address) { return address in name ? name[address] : address }
	' "$LAB_DIR/names" "$LAB_DIR/receivers.log"
}

# receiver_wait PROVIDER SOURCE COUNT [KIND]: until so many have been seen; the receivers accept a little later than the
# senders connect, so ask for a count only after that.
receiver_wait() {
	wait_for "the receivers at $1 see $3 of $2" 10 equal "receiver_count $1 $2 ${4-open}" "$3"
}

# receiver_opens ADDRESS: the connections that the receiver at an address has accepted. receiver_has_seen ADDRESS COUNT:
# whether those are so many.
receiver_opens() {
	awk -v to="$1" '$2 == "open" && $3 == to { n++ } END { print n + 0 }' "$LAB_DIR/receivers.log"
}
receiver_has_seen() {
	[ "$(receiver_opens "$1")" -ge "$2" ]
}

# receiver_strangers: how many connections came from an address that is no source's. Mail never leaves from a wrong one.
receiver_strangers() {
	awk 'FNR == NR { name[$1] = $2; next } $2 == "open" && !($4 in name) { n++ } END { print n + 0 }' \
		"$LAB_DIR/names" "$LAB_DIR/receivers.log"
}

# receiver_most_open PROVIDER: the most connections that were open at once.
receiver_most_open() {
	awk -v provider="$1" '
	FNR == NR { name[$1] = $2; next }
	name[$3] != provider { next }
	$2 == "open" { if (++n > most) most = n }
	$2 == "close" { n-- }
	END { print most + 0 }' "$LAB_DIR/names" "$LAB_DIR/receivers.log"
}

# receiver_order PROVIDER: the sources in the order of their connections, on one line.
receiver_order() {
	awk -v provider="$1" 'FNR == NR { name[$1] = $2; next } $2 == "open" && name[$3] == provider { printf "%s ", name[$4] }' \
		"$LAB_DIR/names" "$LAB_DIR/receivers.log"
}

# deaf ADDRESS / hear ADDRESS: a receiver's address drops every packet / takes them again.
deaf() {
	case $1 in *:*) at net nft "add element inet lab deaf6 { $1 }" ;; *) at net nft "add element inet lab deaf4 { $1 }" ;; esac
}
hear() {
	case $1 in *:*) at net nft "delete element inet lab deaf6 { $1 }" ;; *) at net nft "delete element inet lab deaf4 { $1 }" ;; esac
}

# link_count 1|2 syn|all: packets to port 25 that came from mail over that link.
link_count() {
	at net nft list counter inet lab "link$1_$2" | awk '$1 == "packets" { print $2 }'
}

# connect HOST [OPTION...] ADDRESS: one run of connect.py on a host (see its --help), output as it prints it.
connect() {
	at_net "$1" $LAB_PYTHON "$lab_here/connect.py" "${@:2}"
}

# connect_tally HOST [OPTION...] ADDRESS: the closing line alone: "done 10 ok 10 refused 0 timeout 0 unreachable 0", once
# the receivers have accepted what is open (which they do a little later), so that they can be asked at once.
connect_tally() {
	local to=${*: -1} before line done count
	before=$(receiver_opens "$to")
	line=$(connect "$@" | tail -n 1)
	read -r done _ _ count _ <<< "$line"
	[ "$done" != done ] || ! grep -q "^$to " "$LAB_DIR/names" ||
		wait_for "the receiver at $to sees $count more" 10 receiver_has_seen "$to" $((before + count)) >&2
	echo "$line"
}

# stream_start NAME HOST RATE ADDRESS: so many connections a second in the background, until stream_end; several may go on at once.
stream_start() {
	touch "$LAB_DIR/streaming"
	while [ -e "$LAB_DIR/streaming" ]; do
		connect "$2" -n $(($3 * 2)) -r "$3" -t 20 "$4" | tail -n 1
	done > "$LAB_DIR/$1.stream" &
	lab_streams+=("$!")
}

# stream_end: none begins any more; fails unless all were still going on. stream_tally NAME: what became of them.
stream_end() {
	local status
	kill -0 "${lab_streams[@]}"
	status=$?
	rm "$LAB_DIR/streaming"
	wait "${lab_streams[@]}"
	lab_streams=()
	return $status
}
stream_tally() {
	awk '{ for (i = 3; i < NF; i += 2) n[$i] += $(i + 1) }
		END { print "ok", n["ok"] + 0, "refused", n["refused"] + 0, "lost", n["timeout"] + n["unreachable"] }' "$LAB_DIR/$1.stream"
}

# synsend HOST [OPTION...] FROM PORT TO: the same SYN several times (see synsend.py).
synsend() {
	at "$1" $LAB_PYTHON "$lab_here/synsend.py" "${@:2}"
}

# live_open NAME HOST [OPTION...] ADDRESS: connections that stay open; returns when all were tried.
live_open() {
	local name=$1
	mkfifo "$LAB_DIR/$name.in"
	spawn "$name" "$2" $LAB_PYTHON -c 'import os, sys; os.dup2(os.open(sys.argv[1], os.O_RDWR), 0)
os.execv(sys.argv[2], sys.argv[2:])' "$LAB_DIR/$name.in" $LAB_PYTHON "$lab_here/connect.py" --keep "${@:3}"
	wait_for "$name are open" 60 grep -q '^done' "$LAB_DIR/$name.out"
}

# live_talk NAME: say something on each of them; prints how many answered.
live_talk() {
	local before
	before=$(grep -c '^alive' "$LAB_DIR/$1.out")
	echo talk > "$LAB_DIR/$1.in"
	wait_for "$1 talk" 30 equal "grep -c ^alive '$LAB_DIR/$1.out'" $((before + 1))
	awk '/^alive/ { n = $2 } END { print n }' "$LAB_DIR/$1.out"
}

# live_close NAME: close them.
live_close() {
	echo quit > "$LAB_DIR/$1.in"
	wait_for "$1 are closed" 10 pid_gone "$(cat "$LAB_DIR/$1.pid")" || end "$1"
	rm -f "$LAB_DIR/$1.in" "$LAB_DIR/$1.pid"
}

# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# daemon.sh - mxloadd on a host of the lab (LAB_HOST), and what it says.

# Who mxloadd goes on as.
LAB_USER=${LAB_USER-daemon}

# config_write [LINE...]: $LAB_DIR/mxload.conf with the lab's sources (weights: LAB_WEIGHTS, "5 3 1"), providers and engine
# (LAB_ENGINE); the lines are added at the top level, e.g. config_write 'queues = 1;' 'mode = "observe";'.
config_write() {
	local n more weights members=
	read -r -a weights <<< "${LAB_WEIGHTS:-5 3 1}"
	{
		echo "ledger = \"$LAB_DIR/ledger.db\";"
		echo "control = \"$LAB_DIR/control.sock\";"
		[[ $* == *catalogue* ]] || echo 'catalogue = "";'
		[ -z "${LAB_ENGINE-}" ] || echo "engine = \"$LAB_ENGINE\";"
		[ $# -eq 0 ] || printf '%s\n' "$@"
		echo 'sources: {'
		for ((n = 1; n <= LAB_SOURCES; n++)); do
			more=LAB_MX$n
			echo "    mx$n: { address = \"$(source_address "$n" 4)\"; address6 = \"$(source_address "$n" 6)\"; ${!more-} };"
			members+=" mx$n = ${weights[n - 1]-1};"
		done
		cat <<- END
			};
			pools: { main: { members: {$members }; }; };
			providers: {
			    google:    { prefixes = [ "198.51.100.8/29", "2001:db8:100:1::/64" ]; ${LAB_GOOGLE-} };
			    microsoft: { prefixes = [ "198.51.100.16/29", "2001:db8:100:2::/64" ]; ${LAB_MICROSOFT-} };
			    yahoo:     { prefixes = [ "198.51.100.24/29", "2001:db8:100:3::/64" ]; ${LAB_YAHOO-} };
			    default:   { ${LAB_DEFAULT-} };
			};
			routes = ( { pool = "main"; } );
		END
	} > "$LAB_DIR/mxload.conf"
}

# daemon_start [CONFIG] [OPTION...]: start mxloadd and wait until it answers; its log is $LAB_DIR/mxloadd.log. LAB_QUEUE:
# the queue expression that it must have found (nft or xtables).
daemon_start() {
	local config=${1-$LAB_DIR/mxload.conf}
	[ -x "$MXLOADD" ] || bail "no $MXLOADD: build it first"
	touch "$LAB_DIR/mxloadd.log"
	chmod 755 "$LAB_DIR"
	[ -z "$LAB_USER" ] || chown "$LAB_USER" "$LAB_DIR" # for the ledger and the socket
	lab_log_from=$(($(wc -c < "$LAB_DIR/mxloadd.log") + 1))
	[ "$V" = 0 ] || diag "$LAB_HOST# $MXLOADD -c $config ${*:2} &"
	(exec ip netns exec "mxl-$$-$LAB_HOST" env ${LAB_PRELOAD:+LD_PRELOAD=$LAB_PRELOAD} ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS-} "$MXLOADD" -c "$config" -u "$LAB_USER" -r "${MXLOAD_RULES:-$lab_top/nft-rules/mxload.nft}" "${@:2}" \
		< /dev/null >> "$LAB_DIR/mxloadd.log" 2>&1) &
	echo $! > "$LAB_DIR/mxloadd.pid"
	wait_for "mxloadd is ready" 20 daemon_ready && daemon_said 'info: ready'
	if daemon_said 'info: ready'; then
		# Where a certain expression is to be tried, no other will do.
		daemon_said "by ${LAB_QUEUE:-[a-z]+}," || bail "the queue expression is not $LAB_QUEUE: $(daemon_log)"
		return
	fi
	diag "$(daemon_log)"
	return 1
}

# daemon_ready: it says so, or has ended already.
daemon_ready() {
	daemon_said 'info: ready' || ! daemon_pid
}

# daemon_log: what it has logged since its last start.
daemon_log() {
	tail -c "+${lab_log_from-1}" "$LAB_DIR/mxloadd.log"
}

# daemon_said PATTERN: it has logged a line like this since its last start.
daemon_said() {
	daemon_log | grep -Eq -- "$1"
}

# daemon_pid: its process id; fails when it does not run.
daemon_pid() {
	local pid
	pid=$(pid_of mxloadd) && ! pid_gone "$pid" && echo "$pid"
}

# resident_kb [NAME]: the memory of a process that was started so (mxloadd); descriptors: how many files mxloadd has open.
resident_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/$(pid_of "${1-mxloadd}")/status"
}
descriptors() {
	find "/proc/$(daemon_pid)/fd" -mindepth 1 | wc -l
}

# daemon_signal SIGNAL: e.g. HUP, STOP, CONT.
daemon_signal() {
	local pid
	pid=$(daemon_pid) && kill "-$1" "$pid"
}

# daemon_stop: end it in order (SIGTERM); fails when it ends otherwise than with 0, or a sanitizer has complained.
daemon_stop() {
	local status
	end mxloadd
	status=$?
	if [ $status -ne 0 ] || ! daemon_sane; then
		diag "mxloadd ended with status $status" "$(daemon_log | tail -n 40)"
		return 1
	fi
}

# daemon_kill: end it without a warning (SIGKILL).
daemon_kill() {
	end mxloadd KILL 2> /dev/null
	return 0
}

# daemon_sane: no sanitizer has complained in its log.
daemon_sane() {
	! grep -Eq 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$LAB_DIR/mxloadd.log"
}

# mx ARGUMENT...: the control program, e.g. mx weight mx1 4.
mx() {
	at_net "$LAB_HOST" "$MXLOAD" -s "$LAB_DIR/control.sock" "$@"
}

# talk TEXT [USER]: send it to the daemon as it is, print the first answer.
talk() {
	at mail setpriv ${2+--reuid=$2 --regid=$2 --clear-groups} $LAB_PYTHON -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
try:
    s.sendall(sys.argv[2].encode())
except OSError:
    pass
print(s.makefile().readline().strip())' "$LAB_DIR/control.sock" "$1" 2>&1
}

# json EXPRESSION: read one JSON document; print a Python expression of it (the document is d), e.g. json 'd["mode"]'.
json() {
	$LAB_PYTHON -I -S "$lab_here/pick.py" "$1"
}

# metrics_fetch [URL]: the metrics as they come.
metrics_fetch() {
	at_net "$LAB_HOST" $LAB_PYTHON -c 'import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode(), end="")' "${1-http://127.0.0.1:9525/metrics}"
}

# mx_count PROVIDER SOURCE [FIELD]: a number of `mxload -j stats` (connections, established, failed); "-" stands for any.
mx_count() {
	mx -j stats | json "sum(l['${3-connections}'] for l in d['lanes']
		if '$1' in ('-', l['provider']) and '$2' in ('-', l['source']))"
}

# queue_decides HOST ADDRESS: mxloadd has counted a connection that HOST makes now.
queue_decides() {
	local before
	before=$(mx_count - -)
	connect "$1" "$2" > /dev/null
	[ "$(mx_count - -)" -gt "$before" ]
}

# receivers_agree: what mxloadd has counted is what the receivers saw, for each source and provider.
receivers_agree() {
	local provider source
	for provider in google microsoft yahoo default; do
		for source in mx1 mx2 mx3; do
			[ "$(mx_count $provider $source)" = "$(receiver_count $provider $source)" ] ||
				{ echo "$provider $source: $(mx_count $provider $source), seen $(receiver_count $provider $source)"; return 1; }
		done
	done
}

# table_handle: the own number of our table in LAB_HOST; another one when it was loaded anew.
table_handle() {
	# as text: nft 1.0.6 may crash when it writes the flags of a table (the shield's) as JSON
	at "$LAB_HOST" nft -a list table inet mxload | sed -n '1s/.*# handle //p'
}

# guard_count: packets that the guard of LAB_HOST has dropped.
guard_count() {
	at "$LAB_HOST" nft list counter inet mxload guarded | awk '$1 == "packets" { print $2 }'
}

# table_loaded: our table is in the kernel of LAB_HOST.
table_loaded() {
	at "$LAB_HOST" nft list table inet mxload > /dev/null 2>&1
}

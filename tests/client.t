#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mxload against a daemon that answers as its page says, or as badly as can be: tables, exit statuses, what is sent.
# The tables that are expected are tests/client/*.out.

set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh
mxload=$(realpath "${MXLOAD:-build/mxload}")
folder=$(mktemp -d)
socket=$folder/socket
log=$folder/requests
trap 'kill "$(cat "$folder/pid")" 2> /dev/null; rm -rf "$folder"' EXIT
export TZ=UTC MXLOAD_TIMEOUT=10
/usr/bin/python3 tests/client/fake_daemon.py "$socket" doc/mxload-control.7 "$log" &
echo $! > "$folder/pid"
wait_for "the fake daemon listens" 5 test -S "$socket"

# run ARGUMENT...: output and errors in $out, status in $status.
run() {
	out=$("$mxload" -s "$socket" "$@" 2>&1)
	status=$?
}

# --- tables, and what is asked

# table NAME ARGUMENT...: the output is that of tests/client/NAME.out.
table() {
	local name=$1
	shift
	run "$@"
	is "mxload $*" "$status $out" "0 $(cat "tests/client/$name.out")"
}
table status status
table stats stats
table stats-source stats --by source
table stats-provider stats --by provider
table sources sources
table providers providers
table pools pools
table weight weight mx1 google 2
table pause pause mx2 google --for 2h --reason "421 4.7.28"
table pause-now pause mx2 microsoft --now
table resume resume mx2 google
table drain drain mx2
table explain explain 198.51.100.10
table learn learn 203.0.113.40 google
table forget forget 203.0.113.40
table flows flows --to 198.51.100.10
table watch watch
table reload reload

# asks REQUEST ARGUMENT...: what goes to the daemon.
asks() {
	local wanted=$1
	shift
	run "$@"
	is "asked by: mxload $*" "$(tail -n 1 "$log")" "$wanted"
}
asks '{"command": "weight", "source": "mx1", "pool": "main", "weight": 0}' weight mx1 0 --pool main
asks '{"command": "weight", "source": "mx1", "provider": "google", "reset": true}' weight mx1 google --reset
asks '{"command": "pause", "source": "mx1", "reason": "h\u00f6flich", "for": 5400}' pause mx1 --for 90m --reason höflich
asks '{"command": "pause", "source": "mx1", "provider": "google", "now": true}' pause mx1 google --now
asks '{"command": "explain", "address": "::1", "class": "c", "port": 587}' explain ::1 --class c --port 587
asks '{"command": "providers", "name": "google"}' providers google
asks '{"command": "flows", "to": "192.0.2.1"}' flows --to 192.0.2.1

out=$("$mxload" -j -s "$socket" pools)
ok "-j: the JSON as it came" /usr/bin/python3 -c 'import json, sys; assert json.loads(sys.argv[1])["pools"]' "$out"
is "no control character of a text reaches the terminal" "$("$mxload" -s "$socket" sources | tr -d '\n[:print:]')" ""
run resume hostile
is "nor of an error" "$status $out" '1 mxload: a\x1b[2Jb\x07\x9bc\x0ad\x7f'

# --- answers that are none

run providers huge
is "an answer of 5 MB" "$status" 0
run resume refuse
is "refused by the daemon: status 1 and its words" "$status $out" "1 mxload: a.conf:3: no"
run resume cut
like "it closes midway: status 3" "$status $out" "^3 mxload: no daemon at .*: it closed the connection$"
run resume rubbish
like "rubbish: status 3" "$status $out" "^3 mxload: no daemon at .*: the answer is not JSON$"
run resume number
like "JSON, but no answer: status 3" "$status $out" "^3 mxload: no daemon at .*: the answer is not JSON$"
run drain lost
like "drain: it closes before the last connection has: status 3" "$status $out" "^3 .*2 connections are open.*mxload: the daemon closed the connection before.*the pause stays; to lift it: mxload resume lost$"

# interrupted NAME ARGUMENT...: the status after SIGINT, once the first line is there; the output in $folder/out. Behind
# `&` the signal is ignored until the program asks for it, a moment after that line: so it is sent until it is heard.
interrupted() {
	local pid
	rm -f "$folder/out"
	"$mxload" -s "$socket" "$@" > "$folder/out" 2>&1 &
	pid=$!
	wait_for "a first line" 5 test -s "$folder/out"
	wait_for "it ends" 5 interrupt_again $pid || kill $pid
	wait $pid
}
interrupt_again() {
	! kill -INT "$1"
}
(trap - INT; interrupted flows --follow)
is "flows --follow interrupted: status 0" "$?" 0
(trap - INT; interrupted drain wait google)
is "drain interrupted: status 130" "$?" 130
like "and it says that the pause stays" "$(cat "$folder/out")" "the pause stays; to lift it: mxload resume wait google$"

MXLOAD_TIMEOUT=1
run resume silent
like "no answer in time: status 3" "$status $out" "^3 mxload: no daemon at .*: no answer in time$"
run resume drip
like "an answer that never ends: status 3" "$status $out" "^3 mxload: no daemon at .*: no answer in time$"
/usr/bin/python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(0)
c = socket.socket(socket.AF_UNIX)
c.connect(sys.argv[1])
open(sys.argv[2], "w").close()
time.sleep(60)' "$folder/deaf" "$folder/is-deaf" &
deaf=$!
wait_for "somebody who never accepts" 5 test -e "$folder/is-deaf"
out=$("$mxload" -s "$folder/deaf" status 2>&1)
like "nobody accepts: status 3" "$? $out" "^3 mxload: no daemon at .*: it takes no connection in time$"
kill $deaf
out=$("$mxload" -s "$folder/nothing" status 2>&1)
like "nobody there: status 3" "$? $out" "^3 mxload: no daemon at $folder/nothing: No such file"
out=$("$mxload" -s "$folder/$(printf '%0200d' 0)" status 2>&1)
like "too long a path: status 3" "$? $out" "^3 mxload: no daemon at .*: the path is too long"
MXLOAD_TIMEOUT=10
out=$("$mxload" -s "$socket" pools 2>&1 > /dev/full)
is "output that cannot be written: status 1" "$? $out" "1 mxload: the output cannot be written"
out=$("$mxload" -s "$socket" watch 2>&1 > /dev/full)
is "also of a stream" "$? $out" "1 mxload: the output cannot be written"

# --- usage

: > "$log"
for arguments in "" "fly" "weight" "weight mx1" "weight mx1 google x" "weight mx1 1001" "pause" "pause mx1 --for soon" \
	"explain" "explain 192.0.2.1 --port 0" "stats --by day" "pools x" "--wrong" "pause mx1 --class c" \
	"resume mx1 --for 2h" "resume mx1 --now" "drain mx1 --now" "backoff mx1 google --now" "pause mx1 --now=yes" "status --reset" "weight mx1 5 --to 192.0.2.1" "watch --follow" "check" \
	"top --delay 0" "top -d 3601" "top -d 1x" "-j top" "status -d 1" "top x"; do
	# shellcheck disable=SC2086
	run $arguments
	is "wrong usage, status 2: mxload $arguments" "$status" 2
done
run pause mx1 --class c
is "it names the option" "${out%%$'\n'*}" "mxload: pause takes no --class"
run pause ""
is "an empty argument" "$status ${out%%$'\n'*}" "2 mxload: argument 1 is empty"
run pause mx1 $'\xff'
is "an argument that is not UTF-8" "$status ${out%%$'\n'*}" "2 mxload: argument 2 is not UTF-8"
run pause mx1 --reason $'\xff'
is "nor of an option" "$status ${out%%$'\n'*}" "2 mxload: --reason: what stands behind it is not UTF-8"
run top < /dev/null
is "top without a terminal" "$status $out" "2 mxload: top needs a terminal; mxload stats prints the same figures"
is "nothing of all this was sent" "$(cat "$log")" ""
# page_options COMMAND: the options that mxload(8) gives it.
page_options() {
	awk -v command="$1" '/^\.It/ { item = ""; open = 1 } open { item = item " " $0 }
		/^\.Xc/ || (/^\.It/ && !/Xo$/) { open = 0; if (item ~ "Cm " command "( |$)") print item }' doc/mxload.8 |
		grep -oE 'Fl -[a-z]+' | sed 's/Fl -/--/' | sort | xargs
}
for command in $("$mxload" --help | awk '/^  [a-z]+ / { print $1 }'); do
	run "$command" --help
	like "$command --help" "$status $out" "^0 usage: mxload $command"
	is "$command: the page and --help have the same options" "$(page_options "$command")" \
		"$(grep -oE '\[--[a-z]+' <<< "${out%%$'\n'*}" | tr -d '[' | sort | xargs)"
done

# --- init and check

"$mxload" init > "$folder/init.conf"
ok "init writes what check accepts" "$mxload" check "$folder/init.conf"
ok "init --output writes a file" "$mxload" init --output "$folder/new.conf"
nok "but never over one" "$mxload" init --output "$folder/new.conf"
echo "queues = 0;" > "$folder/bad.conf"
run check "$folder/bad.conf"
like "check: status 1 and the line" "$status $out" "^1 .*bad.conf:1: queues: expected"
cp "$mxload" "$folder/mxload"
out=$(PATH=$folder "$folder/mxload" check "$folder/init.conf" 2>&1)
is "check without mxloadd: status 3" "$? $out" "3 mxload: cannot run mxloadd: No such file or directory"

# addresses COMMAND...: runs it where the addresses are these.
addresses() {
	# shellcheck disable=SC2016 # it is the inner shell's
	unshare -n bash -c '
		ip link set lo up
		for i in br-lan br-0123456789ab docker0; do ip link add $i type veth; ip link set $i up; done
		ip address add 192.0.2.7/24 dev br-lan
		ip address add 192.0.2.8/24 dev br-0123456789ab
		ip address add 192.0.2.9/24 dev docker0
		ip -6 address add 2001:db8::7/64 dev br-lan nodad
		ip -6 address add 2001:db8::8/64 dev br-lan nodad preferred_lft 0
		for i in $(seq 300); do echo "address add 198.51.$((100 + i / 250)).$((1 + i % 250))/32 dev br-lan"; done | ip -batch -
		"$@"' - "$@"
}
addresses "$mxload" init > "$folder/many.conf" 2> /dev/null
is "init: all 300 addresses, those of a bridge, and nothing of containers, nor what is deprecated" \
	"$(grep -c '198\.51' "$folder/many.conf") $(grep -oE '(192\.0\.2|2001:db8)[^"]*' "$folder/many.conf" | sort | xargs)" \
	"300 192.0.2.7 2001:db8::7"
ok "and check accepts it" "$mxload" check "$folder/many.conf"

# A name server that hears and says nothing: nobody waits for it once for each address.
cat > "$folder/deaf.py" << 'EOF'
import socket, subprocess, sys
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("127.0.0.1", 53))
subprocess.run(sys.argv[1:])
listener.setblocking(False)
heard = 0
try:
    while listener.recv(512):
        heard += 1
except BlockingIOError:
    print("asked", heard, file=sys.stderr)
EOF
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' > "$folder/resolv.conf"
# shellcheck disable=SC2016 # it is the inner shell's
err=$(addresses unshare -m bash -c 'mount --bind "$1/resolv.conf" /etc/resolv.conf; shift; exec "$@"' - "$folder" \
	python3 "$folder/deaf.py" "$mxload" init 2>&1 > "$folder/deaf.conf")
is "init asks a name server that does not answer once, and says so" "$err" \
	"mxload: no name server answers: host names are left out
asked 1"
is "and writes all addresses" "$(grep -c 'address = ' "$folder/deaf.conf")" 301
done_testing

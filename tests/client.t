#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mxload against a daemon that behaves as the test wants: exit statuses, JSON as it came, and answers that do not come.

set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/lab/tap.sh
. tests/lab/tap.sh
mxload=${MXLOAD:-build/mxload}
folder=$(mktemp -d)
socket=$folder/socket
trap 'kill "$(cat "$folder/pid")" 2> /dev/null; rm -rf "$folder"' EXIT

# The fake daemon answers by the command's name.
cat > "$folder/daemon.py" << 'END'
import json, os, socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(8)
while True:
    s, _ = listener.accept()
    command = json.loads(s.makefile().readline() or "{}").get("command")
    if command == "pools":
        s.sendall(b'{"ok": true,  "pools": [{"name": "main", "members": [{"source": "mx1", "weight": 12, "usable": true}, '
                  b'{"source": "longer-name", "weight": 5, "usable": false}], "overflow": null, "max_share": 100}]}\n')
    elif command == "sources":
        s.sendall(b'{"ok": true, "sources": [], "x": "' + b"x" * 5000000 + b'"}\n')
    elif command == "reload":
        s.sendall(b'{"ok": false, "error": "a.conf:3: no", "code": "configuration"}\n')
    elif command == "status":
        s.sendall(b'{"ok": tr')
    elif command == "watch":
        s.sendall(b'{"ok": true}\n{"event": "reload", "time": "2026-11-21T00:00:00Z", "generation": 3}\n')
    elif command == "stats":
        time.sleep(4)
    s.close()
END
/usr/bin/python3 "$folder/daemon.py" "$socket" &
echo $! > "$folder/pid"
wait_for "the fake daemon listens" 5 test -S "$socket"

# run ARGUMENT...: output and errors in $out, status in $status.
run() {
	out=$("$mxload" -s "$socket" "$@" 2>&1)
	status=$?
}

run pools
is "a table" "$status $out" "0 POOL  SOURCE       WEIGHT  USABLE  OVERFLOW
main  mx1              12  yes     -
main  longer-name       5  no      -"
run -j pools
like "-j: the JSON as it came, blanks and all" "$out" '^\{"ok": true,  "pools": '
run sources
is "an answer of 5 MB" "$status $out" "0 SOURCE  ADDRESS  ADDRESS6  HOSTNAME  MARK  CONNECTIONS  STATE"
run reload
is "refused by the daemon: status 1 and its words" "$status $out" "1 mxload: a.conf:3: no"
run status
like "it closes midway: status 3" "$status $out" "^3 mxload: no daemon at .*: the answer is not JSON"
run watch
like "a stream ends with the daemon: status 0" "$status $out" "^0 .* reload generation 3"
export MXLOAD_TIMEOUT=1
run stats
like "no answer in time: status 3" "$status $out" "^3 mxload: no daemon at .*: no answer in time"
socket=$folder/nothing
run pools
like "nobody there: status 3" "$status $out" "^3 mxload: no daemon at $folder/nothing: No such file"

for arguments in "" "fly" "weight" "weight mx1" "weight mx1 google x" "weight mx1 1001" "pause" "pause mx1 --for soon" \
	"explain" "explain 192.0.2.1 --port 0" "stats --by day" "pools x" "--wrong"; do
	# shellcheck disable=SC2086
	run $arguments
	is "wrong usage, status 2: mxload $arguments" "$status" 2
done
for command in $("$mxload" --help | awk '/^  [a-z]+ / { print $1 }'); do
	run "$command" --help
	like "$command --help" "$status $out" "^0 usage: mxload $command"
done

"$mxload" init > "$folder/init.conf"
ok "init writes what check accepts" "$mxload" check "$folder/init.conf"
ok "init --output writes a file" "$mxload" init --output "$folder/new.conf"
nok "but never over one" "$mxload" init --output "$folder/new.conf"
echo "queues = 0;" > "$folder/bad.conf"
run check "$folder/bad.conf"
like "check: status 1 and the line" "$status $out" "^1 .*bad.conf:1: queues: expected"
done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Rights, and clients that are wrong, rude or many: the decision never waits for them.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
config_write
chmod 755 "$LAB_DIR"
daemon_start
like "rubbish" "$(talk $'rubbish\n')" '"ok":false.*"code":"syntax"'
like "no object" "$(talk $'[1]\n')" '"code":"syntax"'
like "no such command" "$(talk $'{"command":"fly"}\n')" '"code":"unknown-command"'
like "a wrong argument" "$(talk $'{"command":"weight","source":"mx1","weight":-1}\n')" '"code":"argument"'
like "no such source" "$(talk $'{"command":"pause","source":"mx9"}\n')" '"code":"not-found"'
like "two lines, two answers" "$(talk $'{"command":"help"}\n{"command":"help"}\n')" '"ok":true'
like "one MB in a line" "$(at mail $LAB_PYTHON -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
try:
    s.sendall(b"x" * 1000000)
except OSError:
    pass
print(s.makefile().readline().strip())' "$LAB_DIR/control.sock")" '"code":"too-long"'
is "many lines, many answers, also when they are read late" "$(at mail $LAB_PYTHON -c '
import socket, sys, threading
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect(sys.argv[1])
sender = threading.Thread(target=s.sendall, args=(b"{\"command\":\"help\"}\n" * 30000,))
sender.start()
sender.join(1) # it cannot end before somebody reads
print(sender.is_alive(), sum(line.startswith(b"{\"ok\":true") for _, line in zip(range(30000), s.makefile("rb"))))
sender.join()' "$LAB_DIR/control.sock")" "True 30000"
is "who says no more still gets his answers" "$(at mail $LAB_PYTHON -c '
import socket, sys
answers = 0
for _ in range(5):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.sendall(b"{\"command\":\"help\"}\n" * 3000)
    s.shutdown(socket.SHUT_WR)
    answers += sum(line.startswith(b"{\"ok\":true") for line in s.makefile("rb"))
print(answers)' "$LAB_DIR/control.sock")" 15000
like "nobody may nothing" "$(talk $'{"command":"status"}\n' 65534)" '"code":"denied"'
like "nobody may not change" "$(talk $'{"command":"pause","source":"mx1"}\n' 65534)" '"code":"denied"'

# A flood: clients that send half a line, that never read, that ask without end.
at mail $LAB_PYTHON -c '
import socket, sys, time
held = []
for n in range(300):
    s = socket.socket(socket.AF_UNIX)
    s.setblocking(False)
    try:
        s.connect(sys.argv[1])
        s.send(b"{\"command\": \"sta" if n % 3 else b"{\"command\":\"watch\"}\n" if n % 2 else b"{\"command\":\"sources\"}\n" * 500)
    except OSError:
        pass
    held.append(s)
print("held", flush=True)
sys.stdin.read()' "$LAB_DIR/control.sock" < <(sleep 1000 & echo $! > "$LAB_DIR/sleep.pid"; wait) > "$LAB_DIR/flood.out" &
flood=$!
wait_for "300 clients hold on" 10 grep -q held "$LAB_DIR/flood.out"
like "meanwhile connections flow" "$(connect_tally mail -n 500 -t 5 198.51.100.10)" "ok 500"
like "worst latency is short" "$(connect mail -n 50 -f 1 198.51.100.10 | awk '$2 == "ok" && $5 > 500 { slow++ } END { print "slow " slow + 0 }')" "slow 0"
kill "$flood" "$(cat "$LAB_DIR/sleep.pid")" 2> /dev/null
wait "$flood" 2> /dev/null
eventually "then the daemon answers again" 10 mx status

eventually "and decides" 10 queue_decides mail 198.51.100.10
# Who begins to follow is told of each connection once: in the list, or behind it.
coproc at mail $LAB_PYTHON "$lab_top/tests/lab/followers.py" "$LAB_DIR/control.sock" 20
read -r -t 10 -u "${COPROC[0]}" line
is "followers are ready" "$line" ready
connect mail -n 1500 -f 64 -s 20000 198.51.100.10 198.51.100.20 > /dev/null
eval "exec ${COPROC[1]}>&-"
line=
read -r -t 60 -u "${COPROC[0]}" line
like "none misses a connection, nor hears of one twice" "$line" "^missing 0 twice 0 of [0-9]{3}"
wait $!

mx watch > "$LAB_DIR/watch.out" &
watcher=$!
watched() {
	connect mail 198.51.100.30 > /dev/null
	grep -q "decision .* yahoo: assign mx" "$LAB_DIR/watch.out"
}
eventually "watch tells of decisions" 5 watched
mx weight mx1 4 > /dev/null
eventually "and of changes" 5 grep -q "weight mx1" "$LAB_DIR/watch.out"
# A listing makes the kernel look at what has expired; by itself it may take half a minute.
closed() {
	mx flows > /dev/null
	grep -q "close .* yahoo: mx. closed" "$LAB_DIR/watch.out"
}
eventually "and of closes" 20 closed
kill $watcher
wait $watcher 2> /dev/null
# Who does not read what he watches loses events, and they are counted.
spawn deaf mail $LAB_PYTHON -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
s.connect(sys.argv[1])
s.sendall(b"{\"command\":\"watch\"}\n")
time.sleep(1000)' "$LAB_DIR/control.sock"
lost_some() {
	connect mail -n 2000 -f 64 198.51.100.10 > /dev/null
	metrics_fetch | grep -q '^mxload_watch_events_lost_total [1-9]'
}
eventually "events that nobody reads are counted" 60 lost_some
end deaf KILL 2> /dev/null
live_open seen mail 198.51.100.30
like "flows shows where a connection left from" "$(mx flows --to 198.51.100.30)" "192\.0\.2\.1[1-3] [0-9]+ +198\.51\.100\.30 25 +yahoo +established"
live_close seen
settled() {
	mx flows > /dev/null
	[ "$(mx_count yahoo - established)" = "$(mx_count yahoo -)" ]
}
eventually "in the end all are established ones" 20 settled
like "no root: one clear line" "$(at mail setpriv --reuid=65534 --regid=65534 --clear-groups "$MXLOADD" -c "$LAB_DIR/mxload.conf" -r "$lab_top/nft-rules/mxload.nft" 2>&1 | tail -n 1)" "expected root, or CAP_NET_ADMIN"
like "a second daemon on the same socket: one clear line" "$(at mail "$MXLOADD" -u "$LAB_USER" -c "$LAB_DIR/mxload.conf" -r "$lab_top/nft-rules/mxload.nft" 2>&1 | tail -n 1)" "another mxloadd answers"
like "the first goes on" "$(connect_tally mail -n 9 198.51.100.10)" "ok 9"
ok "mxloadd ends in order" daemon_stop
done_testing

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whoever starts the daemon hears when it decides, that it lives, and when it leaves; one that hangs is not said to live.

set -u
# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

heard() {
	grep -c "^$1" "$LAB_DIR/supervisor.out"
}
heard_more() {
	[ "$(heard 'WATCHDOG=1$')" -gt "$1" ]
}

lab_up
export NOTIFY_SOCKET=$LAB_DIR/notify WATCHDOG_USEC=1000000
spawn supervisor mail $LAB_PYTHON -u -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
print("listening")
while True:
    print(s.recv(1000).decode())
' "$NOTIFY_SOCKET"
wait_for "the supervisor listens" 10 heard listening 
config_write
daemon_start
is "ready, once" "$(heard 'READY=1$')" 1
is "by the process that is meant" "$(sed -n 's/^MAINPID=//p' "$LAB_DIR/supervisor.out")" "$(daemon_pid)"
ok "it decides by then" queue_decides mail "$(provider_address google)"
eventually "it lives" 10 heard_more 3
daemon_signal STOP
count=$(heard 'WATCHDOG=1$')
eventually "the watchdog takes the queue away" 20 daemon_said "the fallback decides until it does"
is "one that hangs is not said to live" "$(($(heard 'WATCHDOG=1$') - count))" 0
daemon_signal CONT
eventually "it lives again" 10 heard_more "$count"
is "it does not leave yet" "$(heard 'STOPPING=1$')" 0
daemon_stop
eventually "it leaves" 10 equal "heard 'STOPPING=1$'" 1
# Nobody listens there any more, and whoever waits for a sign of another process is none of its business.
end supervisor
WATCHDOG_PID=1 daemon_start
ok "without a supervisor it decides, too" queue_decides mail "$(provider_address google)"
daemon_stop
done_testing

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon that answers as mxload-control(7) has it, or as badly as the test wants.

    fake_daemon.py SOCKET PAGE LOG

What stands behind the command in a request's "source" or "name" decides: cut, drip, silent, rubbish, number, hostile,
huge, refuse, lost, wait; anything else is answered by the page's first example that is like it: with "now", or without.
Each request is written to LOG.
"""

import json
import os
import re
import socket
import sys
import threading
import time

EXAMPLE = re.compile(r'\.\\" example: (\S+)\n\.Bd[^\n]*\n(.*?)\n\.Ed\n\.Bd[^\n]*\n(.*?)\n\.Ed', re.S)
HOSTILE = "a\x1b[2Jb\x07\u009bc\nd\x7f"
BEHIND = {
    "watch": [
        {"event": "decision", "time": "2026-11-21T00:00:01Z", "to": "198.51.100.10", "to_port": 25, "from": "192.0.2.2",
         "from_port": 40000, "provider": "google", "route": 1, "pool": "main", "action": "assign", "source": "mx1",
         "reason": "weighted", "left": {"connections": 12, "limit": "limit-hour"}, "warmup_day": 3},
        {"event": "connect", "time": "2026-11-21T00:00:01Z", "from": "192.0.2.2", "from_port": 40000,
         "to": "198.51.100.10", "to_port": 25, "process": 4711, "local_process": 12, "user": 104},
        {"event": "close", "time": "2026-11-21T00:00:01Z", "to": "198.51.100.10", "to_port": 25, "from": "192.0.2.2",
         "from_port": 40000, "provider": "google", "source": "mx1", "source_address": "192.0.2.11",
         "source_port": 40000, "state": "closed", "reason": "weighted", "bytes": {"sent": 164, "received": 142}},
        {"event": "state", "time": "2026-11-21T00:00:01Z", "source": "mx1", "provider": None, "state": "paused",
         "owner": "operator", "reason": "by hand"},
        {"event": "weight", "time": "2026-11-21T00:00:01Z", "source": "mx1", "provider": "google", "pool": None,
         "weight": 3},
        {"event": "reset", "time": "2026-11-21T00:00:01Z", "source": "mx1", "provider": "google", "connections": 3},
        {"event": "reload", "time": "2026-11-21T00:00:02Z", "generation": 3},
        {"event": "lost", "count": 7},
    ],
    "drain": [{"event": "drain", "live": 2}, {"event": "drain", "live": 0}],
}


def answers(page):
    found = {}
    for name, request, answer in EXAMPLE.findall(open(page).read()):
        found.setdefault((name, '"now"' in request), json.loads(answer))
    return found


def line(value):
    return json.dumps(value).encode() + b"\n"


def serve(s, page, log):
    request = json.loads(s.makefile().readline() or "{}")
    print(json.dumps(request), file=log, flush=True)
    command = request.get("command")
    how = request.get("name") or request.get("source") or request.get("to")
    if how == "cut":
        s.sendall(b'{"ok": tr')
    elif how == "rubbish":
        s.sendall(os.urandom(100).replace(b"\n", b"") + b"\n")
    elif how == "number":
        s.sendall(b"42\n")
    elif how == "huge":
        s.sendall(line({"ok": True, "providers": [], "x": "x" * 5000000}))
    elif how == "silent":
        s.recv(1)
    elif how == "drip":
        while True:
            s.sendall(b" ")
            time.sleep(0.05)
    elif how == "refuse":
        s.sendall(line({"ok": False, "error": "a.conf:3: no", "code": "configuration"}))
    elif how == "hostile":
        s.sendall(line({"ok": False, "error": HOSTILE, "code": "failed"}))
    else:
        s.sendall(line(page[command, "now" in request]))
        for event in BEHIND.get(command, []):
            if how in ("lost", "wait") and event.get("live") == 0:
                break
            s.sendall(line(event))
        if command == "flows" and request.get("follow") or how == "wait":
            s.recv(1)


def serve_anyhow(s, *rest):
    try:
        serve(s, *rest)
    except OSError:
        pass  # the client has gone
    s.close()


def main():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    page = answers(sys.argv[2])
    page["sources", False]["sources"][0]["states"][0]["reason"] = HOSTILE
    page["drain", False]["live"] = 3
    with open(sys.argv[3], "a") as log:
        while True:
            s, _ = listener.accept()
            threading.Thread(target=serve_anyhow, args=(s, page, log), daemon=True).start()


main()

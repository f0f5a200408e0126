#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Follows the daemon's flows many times at once, beginning one after another; what each is told has to be whole.

    followers.py SOCKET COUNT

Says "ready" when the first follows, which is to be before anything connects; the others begin 50 ms after one another
from then on. Ends with its input, and when all have been silent for a second says: "missing N twice N", of what each
was not told, and told twice, in its list of flows and the decisions behind it.
"""

import json
import selectors
import socket
import sys


def follow(path):
    """A socket that follows, when the daemon has room for one more."""
    while True:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        sock.sendall(b'{"command":"flows","limit":100000,"follow":true}\n')
        if b'"busy"' not in sock.recv(100, socket.MSG_PEEK):
            return sock
        sock.close()


class Follower:
    def __init__(self, path):
        self.socket = follow(path)
        self.rest = b""
        self.told = []
        self.answers = False

    def read(self):
        lines = (self.rest + self.socket.recv(1 << 20)).split(b"\n")
        self.rest = lines.pop()
        for line in map(json.loads, lines):
            decided = [line] if line.get("event") == "decision" else line.get("flows", [])
            self.answers = True
            # It is known by its port: who connects takes another one each time (connect.py --ports).
            self.told += [(flow["from"], flow["from_port"], flow["to"]) for flow in decided]


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    waiting = selectors.DefaultSelector()
    followers = []
    asks = True
    waiting.register(sys.stdin, selectors.EVENT_READ)
    while True:
        if len(followers) < count:
            followers.append(Follower(path))
            waiting.register(followers[-1].socket, selectors.EVENT_READ, followers[-1])
        if len(followers) == 1:
            while not followers[0].answers:
                followers[0].read()
            followers[0].told.clear()  # what was before
            print("ready", flush=True)
        ready = waiting.select(0.05 if len(followers) < count else 1)
        for key, _ in ready:
            if key.data:
                key.data.read()
            else:
                asks = bool(sys.stdin.read(1))
                waiting.unregister(sys.stdin)
        if not asks and not ready and len(followers) == count:
            break
    known = set(followers[0].told)
    missing = [known - set(f.told) for f in followers]
    twice = [sum(flow in known for flow in f.told) - len(known & set(f.told)) for f in followers]
    print(f"missing {sum(map(len, missing))} twice {sum(twice)} of {len(known)}")


main()

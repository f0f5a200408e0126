#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that ask without end, and read all that they get: greedy.py SOCKET COUNT SECONDS.

Prints how many answers the one got that got the fewest, and all of them together.
"""

import selectors
import socket
import sys
import time

LINES = b'{"command":"stats"}\n' * 100

path, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
selector = selectors.DefaultSelector()
answers = {}
for _ in range(count):
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    client.setblocking(False)
    selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)
    answers[client] = 0
end = time.monotonic() + seconds
while time.monotonic() < end:
    for key, what in selector.select(end - time.monotonic()):
        try:
            if what & selectors.EVENT_READ:
                answers[key.fileobj] += key.fileobj.recv(1 << 16).count(b"\n")
            if what & selectors.EVENT_WRITE:
                key.fileobj.send(LINES)
        except BlockingIOError:
            pass
print(min(answers.values()), sum(answers.values()))

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon that takes its time: slow.py SOCKET CONTROL. Hands requests on to the one at CONTROL, one after another, and
each answer a while after it came."""

import socket
import sys
import threading
import time

PAUSE = 0.1


def serve(client, path):
    daemon = socket.socket(socket.AF_UNIX)
    daemon.connect(path)
    requests, answers = client.makefile("rb"), daemon.makefile("rb")
    for request in requests:
        daemon.sendall(request)
        answer = answers.readline()
        time.sleep(PAUSE)
        try:
            client.sendall(answer)
        except OSError:
            return


listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0], sys.argv[2]), daemon=True).start()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A name server that cannot find out: dns_servfail.py PORT answers whatever is asked on 127.0.0.1 with SERVFAIL."""

import socket
import sys

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    question, whom = s.recvfrom(4096)
    end = question.index(0, 12) + 5  # behind the first question, which is not compressed
    s.sendto(question[:2] + b"\x81\x82\0\1\0\0\0\0\0\0" + question[12:end], whom)

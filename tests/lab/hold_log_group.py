#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Keeps a group of NFLOG for itself: hold_log_group.py GROUP, so that no other program gets its packets."""

import signal
import socket
import struct
import sys

NETLINK_NETFILTER, ULOG_CONFIG, REQUEST_ACK, CFG_CMD, BIND = 12, 4 << 8 | 1, 5, 1, 1

s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
body = struct.pack("=BB", 0, 0) + struct.pack("!H", int(sys.argv[1])) + struct.pack("=HHB3x", 5, CFG_CMD, BIND)
s.send(struct.pack("=IHHII", 16 + len(body), ULOG_CONFIG, REQUEST_ACK, 1, 0) + body)
error = struct.unpack("=i", s.recv(4096)[16:20])[0]
if error:
    sys.exit(f"group {sys.argv[1]}: error {-error}")
print("ready", flush=True)
signal.pause()

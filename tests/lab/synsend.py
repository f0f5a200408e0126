#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends the same SYN several times: what a retransmission looks like, when the test wants it.

    synsend.py [-n COUNT] [-i MILLISECONDS] [--seq N] [--wait] FROM FROM-PORT TO [TO-PORT]

IPv4 or IPv6, by the look of the addresses. No socket knows the connection, so the kernel answers a SYN-ACK with a RST;
make the receiver deaf first where that matters.
"""

import argparse
import socket
import struct
import sys
import time

SYN = 0x02


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_segment(options, source, target):
    def header(check):
        return struct.pack("!HHIIBBHHH", options.source_port, options.target_port, options.seq, 0, 6 << 4, SYN, 64240,
                           check, 0) + struct.pack("!BBH", 2, 4, 1460)
    pseudo = source + target + struct.pack("!IHBB", len(header(0)), 0, 0, socket.IPPROTO_TCP)
    return header(checksum(pseudo + header(0)))


def packet(options, family):
    source = socket.inet_pton(family, options.source)
    target = socket.inet_pton(family, options.target)
    segment = tcp_segment(options, source, target)
    if family == socket.AF_INET6:
        return struct.pack("!IHBB", 6 << 28, len(segment), socket.IPPROTO_TCP, 64) + source + target + segment
    # The kernel fills in the checksum of the IPv4 header.
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0x4000, 64, socket.IPPROTO_TCP, 0) \
        + source + target + segment


def main():
    parser = argparse.ArgumentParser(description="sends the same SYN several times")
    parser.add_argument("-n", "--count", type=int, default=2)
    parser.add_argument("-i", "--interval", type=float, default=0, metavar="MILLISECONDS")
    parser.add_argument("--seq", type=int, default=1000)
    parser.add_argument("--wait", action="store_true", help='say "ready", and wait for a line')
    parser.add_argument("source")
    parser.add_argument("source_port", type=int)
    parser.add_argument("target")
    parser.add_argument("target_port", type=int, nargs="?", default=25)
    options = parser.parse_args()
    family = socket.AF_INET6 if ":" in options.target else socket.AF_INET
    raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    data = packet(options, family)
    if options.wait:
        print("ready", flush=True)
        sys.stdin.readline()
    for number in range(options.count):
        if number and options.interval:
            time.sleep(options.interval / 1000)
        raw.sendto(data, (options.target, 0))


main()

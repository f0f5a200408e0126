#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A DNS server that lies on demand, and who asks it.

    dns_answer.py serve ADDRESS PORT     answers as the first label of the question says
    dns_answer.py ask SERVER NAME...     asks for A of each name, waits for the answer and prints "NAME answered"
    dns_answer.py many SERVER COUNT RATE asks for that many names, RATE in a second, each with an address of its own

What is asked for is LIE.HOST with LIE one of
    true      the answer: HOST is at 203.0.113.40, by an alias from the name that was asked for
    number    the same with another number (ID) than the question's
    name      the same, for another name than was asked for
    unasked   an answer that was asked for, and behind it a second one with another name
    noflag    the same as true, but asked without recursion desired
    NUMBER    the same as true, at the address of that number, counted from 100.64.0.0
"""

import socket
import struct
import sys
import time

ADDRESS = socket.inet_aton("203.0.113.40")
FIRST = 100 << 24 | 64 << 16


def wire(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def text(data, at):
    parts = []
    while data[at]:
        parts.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(parts), at + 1


def answer(number, flags, name, host, address=ADDRESS):
    """NAME is an alias of HOST, and HOST has the address."""
    records = wire(name) + struct.pack("!HHIH", 5, 1, 60, len(wire(host))) + wire(host)
    records += wire(host) + struct.pack("!HHIH", 1, 1, 60, 4) + address
    return struct.pack("!HHHHHH", number, 0x8080 | flags & 0x0100, 1, 2, 0, 0) + wire(name) + struct.pack("!HH", 1, 1) + records


def serve(address, port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, port))
    print("ready", flush=True)
    while True:
        data, client = server.recvfrom(4096)
        number, flags = struct.unpack("!HH", data[:4])
        name, _ = text(data, 12)
        lie, host = name.split(".", 1)
        if lie == "number":
            server.sendto(answer(number ^ 1, flags, name, host), client)
        elif lie.isdigit():
            server.sendto(answer(number, flags, name, host, struct.pack("!I", FIRST + int(lie))), client)
        elif lie == "name":
            server.sendto(answer(number, flags, "true." + host, host), client)
        else:
            server.sendto(answer(number, flags, name, "plain.example" if lie == "unasked" else host), client)
            if lie == "unasked":
                server.sendto(answer(number, flags, "true.lie.google.com", "lie.google.com"), client)


def ask(server, names):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((server, 53))
        for i, name in enumerate(names):
            flags = 0 if name.startswith("noflag.") else 0x0100
            client.send(struct.pack("!HHHHHH", 1000 + i, flags, 1, 0, 0, 0) + wire(name) + struct.pack("!HH", 1, 1))
            for _ in range(2 if name.startswith("unasked.") else 1):
                client.recv(4096)
            print(name, "answered", flush=True)


def many(server, count, rate):
    begin = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((server, 53))
        for i in range(count):
            time.sleep(max(0, begin + i / rate - time.monotonic()))
            client.send(struct.pack("!HHHHHH", i & 0xffff, 0x0100, 1, 0, 0, 0) + wire(f"{i}.lie.google.com") +
                        struct.pack("!HH", 1, 1))
            client.recv(4096)
    print(count, "answered in", round(time.monotonic() - begin, 1), flush=True)


if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]))
elif sys.argv[1] == "many":
    many(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
else:
    ask(sys.argv[2], sys.argv[3:])

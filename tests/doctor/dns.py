#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A DNS server on loopback that is asked by tests/doctor.t: dns.py ZONE SECONDS. Its first line of output is its port.

ZONE is read anew for each question. Its lines are "NAME TYPE DATA": A, AAAA, PTR, MX (a name, or "." for null MX), CNAME and
TXT, whose data is a Python literal of bytes, cut into strings of 255; "NAME TXT* DATA" cuts into strings of one byte. Of a
NAME that begins with "*." everything below is answered. "NAME SERVFAIL", "NAME REFUSED" and "NAME SILENT" are what they say;
"NAME GARBAGE" is an answer that is no DNS. What does not fit is truncated and has to be asked for by TCP.
It ends after SECONDS in any case.
"""
import ast
import os
import select
import socket
import struct
import sys
import threading
import time

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
CODES = {"SERVFAIL": 2, "REFUSED": 5}


def wire_name(name):
    labels = [label for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode("latin-1") for label in labels) + b"\0"


def wire_data(kind, data):
    if kind in ("A", "AAAA"):
        return socket.inet_pton(socket.AF_INET if kind == "A" else socket.AF_INET6, data)
    if kind in ("PTR", "CNAME"):
        return wire_name(data)
    if kind == "MX":
        return struct.pack(">H", 0 if data == "." else 10) + wire_name(data)
    text = ast.literal_eval(data)
    size = 1 if kind == "TXT*" else 255
    return b"".join(bytes([len(text[i:i + size])]) + text[i:i + size] for i in range(0, len(text) or 1, size))


def read_zone(path):
    world = {}
    with open(path) as zone:
        for line in zone:
            name, kind, data = (line.split(None, 2) + ["", "", ""])[:3]
            if name and name != "#":
                world.setdefault(name.lower(), []).append((kind, data.strip()))
    return world


def find(world, name):
    if name in world:
        return world[name]
    parts = name.split(".")
    for i in range(1, len(parts)):
        below = "*." + ".".join(parts[i:])
        if below in world:
            return world[below]
    return None


def read_question(message):
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1").lower())
        at += 1 + message[at]
    return ".".join(labels), struct.unpack(">H", message[at + 1:at + 3])[0], message[12:at + 5]


def records_of(world, name, number):
    """The answer section, aliases followed; None: no such name."""
    records = []
    for _ in range(8):
        there = find(world, name)
        if there is None:
            return records if records else None
        alias = [data for kind, data in there if kind == "CNAME"]
        for kind, data in there:
            if TYPES.get(kind.rstrip("*")) == number or kind == "CNAME":
                records.append(wire_name(name) + struct.pack(">HHI", TYPES[kind.rstrip("*")], 1, 60) +
                               struct.pack(">H", len(wire_data(kind, data))) + wire_data(kind, data))
        if not alias:
            break
        name = alias[0]
    return records


def reply(path, message, limit):
    """The answer to a question, or None: also while the zone is being written."""
    try:
        return answer_from(read_zone(path), message, limit)
    except (SyntaxError, ValueError, OSError, KeyError, IndexError):
        return None


def answer_from(world, message, limit):
    name, number, question = read_question(message)
    kinds = {kind for kind, _ in find(world, name) or []}
    if "SILENT" in kinds:
        return None
    if "GARBAGE" in kinds:
        return message[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\xff\xc0"
    codes = [CODES[kind] for kind in kinds if kind in CODES]
    records = [] if codes else records_of(world, name, number)
    code = codes[0] if codes else 3 if records is None else 0
    body = question + b"".join(records or [])
    if 12 + len(body) > limit:
        return message[:2] + struct.pack(">HHHHH", 0x8380 | code, 1, 0, 0, 0) + question
    return message[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records or []), 0, 0) + body


def serve_stream(path, connection):
    """One connection, whatever it asks."""
    connection.settimeout(10)
    try:
        while True:
            head = connection.recv(2, socket.MSG_WAITALL)
            if len(head) < 2:
                break
            message = connection.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL)
            answer = reply(path, message, 65535)
            if answer is not None:
                connection.sendall(struct.pack(">H", len(answer)) + answer)
    except OSError:
        pass
    connection.close()


def open_sockets():
    """One port for both, which is free for both."""
    while True:
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind(("127.0.0.1", 0))
        streams = socket.socket()
        try:
            streams.bind(datagrams.getsockname())
            streams.listen(50)
            return datagrams, streams
        except OSError:
            datagrams.close()
            streams.close()


def main():
    path, end = sys.argv[1], time.monotonic() + float(sys.argv[2])
    datagrams, streams = open_sockets()
    print(datagrams.getsockname()[1], flush=True)
    with open(path + ".asked", "a") as log:
        while time.monotonic() < end and os.getppid() != 1:
            ready, _, _ = select.select([datagrams, streams], [], [], 1)
            if streams in ready:
                log.write("TCP\n")
                log.flush()
                connection, _ = streams.accept()
                threading.Thread(target=serve_stream, args=(path, connection), daemon=True).start()
            if datagrams in ready:
                message, whom = datagrams.recvfrom(4096)
                log.write(read_question(message)[0] + "\n")
                log.flush()
                answer = reply(path, message, 1232)
                if answer is not None:
                    datagrams.sendto(answer, whom)


main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hostile.py LOG: that log, with lines between that are wrong in all ways: each of them is no attempt."""

import sys

STAMP = b"2026-11-21T00:00:00.000000+00:00 mx.example.com postfix/smtp[1]: "


def bad(line):
    """Lines that are no attempt, made of a good one or of nothing."""
    yield line[:len(line) // 2]
    yield line[:40] + line[:60]
    yield line[:70] + b"\0" * 50
    yield b"\0" * 100
    yield bytes(range(256)).replace(b"\n", b"")
    yield STAMP + b"4A: to=<\xe9\xe8@ex\xffample.net>, relay=\xc3\x28, status=sent"
    yield STAMP + b"4A: to=<" + b"a" * (1 << 20) + b"@example.net>, status=sent (250 ok)"
    yield b"%s%n%n%n%d%x" * 20
    yield STAMP + b"4A: %s%n: to=<%n%s@example.net>"
    yield b"\x1b[2J\x1b]0;owned\x07" + line[:30]
    yield b"'; DROP TABLE count; --"
    yield b"<" * 10000
    yield STAMP + b"<" * 10000
    yield b"{" * 10000
    yield b"{\"MESSAGE\": " + b"[" * 10000


def replies(line):
    """Good ones whose answer is not."""
    for said in (b"<" * 10000, b"\xc2\x9b31m\xff\xfe\0 %n%s", b"'); DROP TABLE lane; --", b"\"><img src=x onerror=alert(1)>",
                 b"<script>alert(1)</script>\x1b[31m\x07"):
        line = line.replace(b"said: 421 4.7.28 ", b"said: 421 4.7.28 " + said + b" ", 1)
    return line


def main():
    with open(sys.argv[1], "rb") as log:
        for number, line in enumerate(log):
            line = line.rstrip(b"\n")
            sys.stdout.buffer.write(replies(line) + b"\n")
            if number < 40:
                for wrong in bad(line):
                    sys.stdout.buffer.write(wrong + b"\n")


main()

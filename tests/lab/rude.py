#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of the control socket as nobody wants them, many at once: rude.py SOCKET COUNT.

By turns one says nothing, one a byte now and then, one asks without end and never reads, one sends rubbish, one comes and
goes, and one follows the events and never reads them. Who is thrown out comes again. Says "all there" when each has been
let in or thrown out once. Never more than a few turns a second for each: it is about the daemon, not about who is faster.
"""

import asyncio
import os
import random
import resource
import sys

PAUSE = 0.5
ASK = b'{"command":"stats"}\n'


async def silent(_reader, _writer):
    await asyncio.sleep(3600)


async def drips(_reader, writer):
    for byte in ASK * 1000:
        writer.write(bytes([byte]))
        await asyncio.sleep(PAUSE)


async def floods(_reader, writer):
    while True:
        writer.write(ASK * 20)
        await writer.drain()
        await asyncio.sleep(PAUSE)


async def babbles(_reader, writer):
    while True:
        writer.write(random.choice([os.urandom(3000), b"[" * 3000, b'{"command":"\\ud800"}\n', b"x" * 70000, b"\0\n" * 99]))
        await writer.drain()
        await asyncio.sleep(PAUSE)


async def comes_and_goes(_reader, writer):
    writer.write(ASK)
    await asyncio.sleep(PAUSE)


async def follows(_reader, writer):
    writer.write(b'{"command":"watch"}\n')
    await asyncio.sleep(3600)


KINDS = (silent, drips, floods, babbles, comes_and_goes, follows)


async def one(path, kind, seen):
    while True:
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=1 << 12)
            watch = asyncio.ensure_future(kind(reader, writer))
            if kind is not floods and kind is not follows:
                reading = asyncio.ensure_future(reader.read(1 << 20))
                await asyncio.wait([watch, reading], return_when=asyncio.FIRST_COMPLETED, timeout=PAUSE)
            seen()
            await watch
        except (OSError, asyncio.IncompleteReadError):
            seen()
        finally:
            if "watch" in locals():
                watch.cancel()
                writer.close()
        await asyncio.sleep(PAUSE * (1 + random.random()))


async def main():
    path, count = sys.argv[1], int(sys.argv[2])
    left = count

    def once():
        said = False

        def seen():
            nonlocal said, left
            if not said:
                said = True
                left -= 1
                if not left:
                    print("all there", flush=True)
        return seen

    await asyncio.gather(*(one(path, KINDS[i % len(KINDS)], once()) for i in range(count)))


resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
asyncio.run(main())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""SMTP receivers of the lab: one process listens on all the given addresses.

Writes one line for each event to the log, at once:

    TIME KIND LOCAL-ADDRESS PEER-ADDRESS PEER-PORT

KIND is ready (once), open (a connection was accepted), message (one was taken) or close.
While holding (--hold, or from SIGUSR1 until SIGUSR2) the answer to the end of a message waits, so the session stays.
"""

import argparse
import asyncio
import os
import resource
import signal
import socket
import time

from aiosmtpd.smtp import SMTP


class Log:
    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, kind, local="-", peer="-", port="-"):
        os.write(self.fd, f"{time.time():.6f} {kind} {local} {peer} {port}\n".encode())


class Handler:
    """Takes every message, and keeps nothing of it."""

    def __init__(self):
        self.released = asyncio.Event()

    async def handle_DATA(self, server, _session, _envelope):
        await self.released.wait()
        server.note("message")
        return "250 2.0.0 taken"


class Receiver(SMTP):
    def __init__(self, handler, log):
        super().__init__(handler, hostname="mx.lab.example", ident="ESMTP lab", timeout=3600)
        self.log = log
        self.ends = ()

    def note(self, kind):
        self.log.write(kind, *self.ends)

    def connection_made(self, transport):
        peer = transport.get_extra_info("peername")
        # A peer that was reset before it could be accepted has no name any more.
        self.ends = (transport.get_extra_info("sockname")[0], *(peer[:2] if peer else "--"))
        self.note("open")
        super().connection_made(transport)

    def connection_lost(self, error):
        self.note("close")
        super().connection_lost(error)


def listener(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((address, port))
    return sock


async def serve(options):
    log = Log(options.log)
    handler = Handler()
    if not options.hold:
        handler.released.set()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, handler.released.clear)
    loop.add_signal_handler(signal.SIGUSR2, handler.released.set)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    for address in options.address:
        await loop.create_server(lambda: Receiver(handler, log), sock=listener(address, options.port), backlog=4096)
    log.write("ready")
    await stop.wait()


def main():
    parser = argparse.ArgumentParser(description="SMTP receivers of the lab")
    parser.add_argument("--log", required=True, help="where the events go")
    parser.add_argument("--hold", action="store_true", help="do not answer the end of a message before SIGUSR2")
    parser.add_argument("--port", type=int, default=25)
    parser.add_argument("address", nargs="+")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    asyncio.run(serve(parser.parse_args()))


main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""SMTP receivers of the lab: one process listens on all the given addresses.

Writes one line for each event to the log, at once:

    TIME KIND LOCAL-ADDRESS PEER-ADDRESS PEER-PORT

KIND is ready (once), open (a connection was accepted), message (one was taken), deferred or bounced (one was turned
down, by 4xx or 5xx) or close.
While holding (--hold, or from SIGUSR1 until SIGUSR2) the answer to the end of a message waits, so the session stays.

What is answered to a recipient is told by the first word of his address, up to a dot or hyphen (see ANSWERS). The file
--script, read anew when it changes, has lines "PEER LOCAL ANSWER": every message from PEER to LOCAL (either may be *) is
answered so; {peer} stands for the peer's address.
"""

import argparse
import asyncio
import os
import re
import resource
import signal
import socket
import time

from aiosmtpd.smtp import SMTP


ANSWERS = {
    "unknown": "550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table",
    "full": "452 4.2.2 <{to}>: mailbox full",
    "later": "451 4.3.0 <{to}>: Temporary lookup failure",
    "grey": "450 4.2.0 <{to}>: Recipient address rejected: Greylisted",
    "spam": "554 5.7.1 Message rejected as spam by content filter",
}


class Script:
    """The answers to whole hosts."""

    def __init__(self, path):
        self.path = path
        self.changed = None
        self.lines = []

    def answer(self, local, peer):
        if not self.path or not os.path.exists(self.path):
            return None
        changed = os.stat(self.path).st_mtime_ns
        if changed != self.changed:
            self.changed = changed
            self.lines = [line.split(maxsplit=2) for line in open(self.path) if line.strip()]
        for wanted_peer, wanted_local, answer in self.lines:
            if wanted_peer in ("*", peer) and wanted_local in ("*", local):
                return answer.strip().format(peer=peer)
        return None


class Log:
    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, kind, local="-", peer="-", port="-"):
        os.write(self.fd, f"{time.time():.6f} {kind} {local} {peer} {port}\n".encode())


class Handler:
    """Takes every message, and keeps nothing of it."""

    def __init__(self, script):
        self.released = asyncio.Event()
        self.script = Script(script)

    async def handle_MAIL(self, server, _session, envelope, address, options):
        answer = self.script.answer(*server.ends[:2])
        if answer:
            return server.turn_down(answer)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 well"

    async def handle_RCPT(self, server, _session, envelope, address, options):
        word = re.split("[.@-]", address)[0]
        if word in ANSWERS:
            return server.turn_down(ANSWERS[word].format(to=address))
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 well"

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

    def turn_down(self, answer):
        self.note("deferred" if answer[0] == "4" else "bounced")
        return answer

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
    handler = Handler(options.script)
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
    parser.add_argument("--script", help="what is answered to whom")
    parser.add_argument("--port", type=int, default=25)
    parser.add_argument("address", nargs="+")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    asyncio.run(serve(parser.parse_args()))


main()

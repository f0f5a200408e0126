#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Opens TCP connections and says what became of each.

For each connection one line, when its fate is known:

    INDEX RESULT LOCAL-ADDRESS LOCAL-PORT MILLISECONDS       RESULT: ok refused timeout unreachable

and at the end: done COUNT ok N refused N timeout N unreachable N. Exit status 0 when all were ok.

With --keep the connections stay open, and commands are read from standard input:
    talk     says NOOP on each and prints "INDEX alive" or "INDEX dead WHY" (an errno's name, EOF or timeout), then
             "alive N of M"
    open N   opens N more, as above
    quit     closes them all (so does the end of the input)

With several addresses the first connection goes to the first one, the second to the second one, and so on.
"""

import argparse
import asyncio
import errno
import resource
import socket
import sys
import time

SO_MARK = 36
RESULTS = ("ok", "refused", "timeout", "unreachable")


def say(*words):
    print(*words, flush=True)


def new_socket(options, address, index):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.setblocking(False)
    if options.mark:
        sock.setsockopt(socket.SOL_SOCKET, SO_MARK, options.mark)
    if options.bind or options.ports:
        sock.bind((options.bind, options.ports and options.ports + index))
    return sock


async def attempt(options, index):
    """Returns (result, socket or None, local name, milliseconds)."""
    address = options.address[index % len(options.address)]
    sock = new_socket(options, address, index)
    start = time.monotonic()
    name = ("-", "-")
    try:
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, (address, options.port)),
                               options.timeout)
        result = "ok"
        name = sock.getsockname()[:2]
    except asyncio.TimeoutError:
        result = "timeout"
    except OSError as error:
        result = {errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timeout"}.get(error.errno, "unreachable")
    took = (time.monotonic() - start) * 1000
    if result != "ok":
        sock.close()
        sock = None
    return result, sock, name, took


class Connections:
    def __init__(self, options):
        self.options = options
        self.kept = {}
        self.count = 0

    async def one(self, index, slots, totals):
        async with slots:
            result, sock, name, took = await attempt(self.options, index)
        totals[result] += 1
        say(index, result, *name, f"{took:.1f}")
        if sock and self.options.keep:
            self.kept[index] = await asyncio.open_connection(sock=sock)
        elif sock:
            sock.close()

    async def open(self, count):
        slots = asyncio.Semaphore(self.options.flight)
        totals = dict.fromkeys(RESULTS, 0)
        tasks = []
        start = time.monotonic()
        for number in range(count):
            if self.options.rate:
                await asyncio.sleep(start + number / self.options.rate - time.monotonic())
            tasks.append(asyncio.create_task(self.one(self.count, slots, totals)))
            self.count += 1
        await asyncio.gather(*tasks)
        say("done", count, *(f"{word} {totals[word]}" for word in RESULTS))
        return totals["ok"] == count

    async def alive(self, index):
        reader, writer = self.kept[index]
        try:
            writer.write(b"NOOP\r\n")
            # What was said before (the greeting, an older answer) may still wait there.
            while not (await asyncio.wait_for(reader.readuntil(), self.options.timeout)).startswith(b"250"):
                pass
            return "alive"
        except asyncio.TimeoutError:
            return "dead timeout"
        except EOFError:
            return "dead EOF"
        except OSError as error:
            return f"dead {errno.errorcode.get(error.errno, error.errno)}"

    async def talk(self):
        indexes = sorted(self.kept)
        answers = await asyncio.gather(*(self.alive(index) for index in indexes))
        for index, answer in zip(indexes, answers):
            say(index, answer)
        say("alive", answers.count("alive"), "of", len(indexes))

    async def listen(self):
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while words := (await reader.readline()).split():
            if words[0] == b"quit":
                break
            if words[0] == b"talk":
                await self.talk()
            elif words[0] == b"open":
                await self.open(int(words[1]))
            else:
                say("?", words[0].decode())


async def work(options):
    connections = Connections(options)
    good = await connections.open(options.count)
    if options.keep:
        await connections.listen()
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser(description="opens TCP connections and says what became of each")
    parser.add_argument("-n", "--count", type=int, default=1)
    parser.add_argument("-f", "--flight", type=int, default=64, help="at most so many are being opened at once")
    parser.add_argument("-r", "--rate", type=float, default=0, help="at most so many a second")
    parser.add_argument("-t", "--timeout", type=float, default=10, help="seconds")
    parser.add_argument("-p", "--port", type=int, default=25)
    parser.add_argument("-b", "--bind", metavar="ADDRESS", default="", help="local address")
    parser.add_argument("-s", "--ports", metavar="FIRST", type=int, default=0,
                        help="from this local port on, the next for each: none is used again soon, as others may be")
    parser.add_argument("-m", "--mark", type=lambda text: int(text, 0), default=0, help="firewall mark of the sockets")
    parser.add_argument("-k", "--keep", action="store_true", help="keep them open and read commands")
    parser.add_argument("address", nargs="+")
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    sys.exit(asyncio.run(work(parser.parse_args())))


main()

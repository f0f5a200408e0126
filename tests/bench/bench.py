#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""New connections per second and connect latency: mxload beside what else there is.

Each variant has its own pair of network namespaces, set up once. A round measures every variant shortly, in an order
of its own, so that whatever else the machine does falls on all of them. Needs root. This is a bench, not a test: a
missed target is printed, and only what fails to run makes the exit status 1.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys

import report
from netns import Failed, Namespaces
from variants import ROOT, USUAL, VARIANTS, missing


def numbers(text):
    return [int(word) for word in text.split(",")]


def names(text):
    chosen = text.split(",")
    for name in chosen:
        if name not in VARIANTS:
            raise argparse.ArgumentTypeError(f"no variant {name}; there are {', '.join(VARIANTS)}")
    return chosen


def parse():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--rounds", type=int, default=25)
    p.add_argument("--variants", type=names, default=USUAL, metavar="NAME,...")
    p.add_argument("--in-flight", type=numbers, default=[1, 64], metavar="N,...")
    p.add_argument("--queues", type=numbers, default=[1, 2], metavar="N,...")
    p.add_argument("--connections", type=int, help="in each measurement (default: 4000 at 1 in flight, else 10000)")
    p.add_argument("--pin", action="store_true", help="the clients have a processor of their own")
    p.add_argument("--quick", action="store_true", help="3 rounds of 2000 connections: does it run at all?")
    p.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="DIR")
    p.add_argument("-o", "--output", metavar="FILE", help="write everything measured as JSON")
    p.add_argument("--also", action="append", default=[], metavar="FILE",
                   help="of an earlier run, written by --output: a second report counts its measurements, too")
    o = p.parse_args()
    o.build = os.path.abspath(o.build)
    if o.quick:
        o.rounds, o.connections = min(o.rounds, 3), o.connections or 2000
    return o


def require(options):
    if os.geteuid():
        raise Failed("the bench makes network namespaces: run it as root")
    for program in ("load", "echo", "queue_rule"):
        if not os.access(os.path.join(options.build, "bench", program), os.X_OK):
            raise Failed(f"{options.build}/bench/{program} is missing: build it with `make bench`")


def take_processor():
    """For the clients alone: everything else that this starts stays on the others."""
    mine, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise Failed("--pin needs a second processor")
    os.sched_setaffinity(0, others)
    return mine


class Bench:
    def __init__(self, options):
        self.options = options
        self.processor = None   # of the clients, if they have one of their own
        self.spaces = {}        # (variant, queues or None): Namespaces
        self.results = {}       # (variant, queues or None, in flight): list of measurements, one a round
        self.skipped = {}
        self.trouble = []

    def set_up(self):
        if self.options.pin:
            self.processor = take_processor()
        for name in self.options.variants:
            reason = missing(name, self.options.build)
            if reason:
                self.skipped[name] = reason
                print(f"skipped: {name}: {reason}", flush=True)
                continue
            set_up, queued = VARIANTS[name]
            for queues in self.options.queues if queued else [None]:
                self.set_up_one(name, queues, set_up)

    def set_up_one(self, name, queues, set_up):
        space = Namespaces(f"{name}-{queues or 0}", self.options.build)
        self.spaces[name, queues] = space
        try:
            space.open()
            set_up(space, queues)
        except Failed as e:
            self.fail(name, queues, e)

    def fail(self, name, queues, error):
        """This variant is out; the others go on."""
        text = f"{name}{f' with {queues} queue(s)' if queues else ''}: {error}"
        print(f"failed: {text}", file=sys.stderr, flush=True)
        self.trouble.append(text)
        self.spaces.pop((name, queues)).close()
        for in_flight in self.options.in_flight:
            self.results.pop((name, queues, in_flight), None)

    def connections(self, in_flight):
        return self.options.connections or (4000 if in_flight == 1 else 10000)

    def round(self, order, keep):
        for name, queues, in_flight in order:
            space = self.spaces.get((name, queues))
            if not space:
                continue
            try:
                space.check()
                measured = space.client(in_flight, self.processor).measure(self.connections(in_flight))
            except Failed as e:
                self.fail(name, queues, e)
                continue
            if keep:
                self.results.setdefault((name, queues, in_flight), []).append(measured)

    def decision(self):
        """A decision among 250 sources with limits, 20 of them at one, beside the round trip through the queue."""
        program = os.path.join(self.options.build, "bench", "decide")
        trips = [m["median_us"] for m in self.results.get(("echo-table", 1, 1), [])]
        if not trips or not os.access(program, os.X_OK):
            return
        took = statistics.median(int(subprocess.run([program], capture_output=True, text=True, check=True).stdout)
                                 for _ in range(9)) / 1000
        part = took / statistics.median(trips)
        print(f"a decision among 250, 20 of them at a limit: {took:.2f} us, {100 * part:.1f} % of the round trip "
              f"(echo-table, 1 in flight), target 5 %: {'reached' if part <= 0.05 else 'above target'}")

    def decision_in_kernel(self):
        """The module's decision among 250 sources with 100,000 prefixes, beside a connect() that nobody decides."""
        program = os.path.join(self.options.build, "bench", "module_decide")
        connects = [m["median_us"] for m in self.results.get(("none", None, 1), [])]
        if not connects or not os.path.isdir("/sys/module/mxload"):
            return
        took = statistics.median(int(subprocess.run(["unshare", "-n", program], capture_output=True, text=True,
                                                    check=True).stdout) for _ in range(9)) / 1000
        part = took / statistics.median(connects)
        print(f"the module's decision among 250 sources, 100,000 prefixes: {took:.2f} us, {100 * part:.1f} % of a "
              f"connect() (none, 1 in flight), target 3 %: {'reached' if part <= 0.03 else 'above target'}")

    def run(self):
        keys = [(name, queues, k) for name, queues in self.spaces for k in self.options.in_flight]
        order = random.Random(1)
        print(f"warming up: {len(keys)} measurements a round, {self.options.rounds} rounds", flush=True)
        self.round(keys, keep=False)
        self.results = {key: [] for key in keys if key[:2] in self.spaces}
        for n in range(1, self.options.rounds + 1):
            order.shuffle(keys)
            self.round(keys, keep=True)
            self.progress(n)

    def progress(self, n):
        if sys.stdout.isatty() or n % max(5, self.options.rounds // 10) == 0 or n == self.options.rounds:
            last = [f"{name}{f'/{queues}' if queues else ''} {rounds[-1]['per_second']:.0f}"
                    for (name, queues, k), rounds in self.results.items() if k == self.options.in_flight[-1]]
            print(f"round {n} of {self.options.rounds}: {', '.join(last)}", flush=True)

    def finish(self):
        rows, found = report.print_report(self.results)
        self.decision()
        self.decision_in_kernel()
        for name, reason in self.skipped.items():
            print(f"skipped: {name}: {reason}")
        if self.options.also:
            print(f"\nthis run and {len(self.options.also)} before, together:")
            report.print_report(self.with_earlier())
        for r in rows:
            if r["failures"]:
                self.trouble.append(f"{r['variant']}: {r['failures']} connections failed")
        if self.options.output:
            self.write(rows, found)

    def with_earlier(self):
        results = {key: list(rounds) for key, rounds in self.results.items()}
        for path in self.options.also:
            with open(path) as earlier:
                for m in json.load(earlier)["measurements"]:
                    results.setdefault((m["variant"], m["queues"], m["in_flight"]), []).extend(m["rounds"])
        return results

    def write(self, rows, found):
        raw = [{"variant": k[0], "queues": k[1], "in_flight": k[2], "rounds": v} for k, v in self.results.items()]
        with open(self.options.output, "w") as out:
            json.dump({"kernel": os.uname().release, "processors": os.cpu_count(), "rounds": self.options.rounds,
                       "table": rows, "verdicts": found, "skipped": self.skipped, "trouble": self.trouble,
                       "measurements": raw}, out, indent=1)
            out.write("\n")

    def close(self):
        for space in self.spaces.values():
            space.close()


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(options)
    try:
        require(options)
        bench.set_up()
        bench.run()
        bench.finish()
    except Failed as e:
        bench.trouble.append(str(e))
    except KeyboardInterrupt:
        return 130
    finally:
        bench.close()
    for text in bench.trouble:
        print(f"bench: {text}", file=sys.stderr)
    return 1 if bench.trouble else 0


if __name__ == "__main__":
    sys.exit(main())

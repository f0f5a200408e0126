#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a slow disk under the ledger costs: connect latency with every limit in force, beside a disk whose every sync
takes 50 ms longer. Interleaved rounds, medians, ratios. Run by `make bench`.
"""

import argparse
import os
import statistics
import sys

import bench
from netns import Failed, Namespaces
from variants import ROOT, RULES, daemon_config

RATIO = 1.1


def start(space, fault):
    config = space.path("mxload.conf")
    with open(config, "w") as out:
        out.write(daemon_config(space, 2, True, True))
    with open(space.path("fault"), "w") as out:
        out.write(fault)
    preload = ["env", f"LD_PRELOAD={os.path.join(space.build, 'fault', 'disk.so')}", "DISK_FILE=ledger.db",
               f"DISK_FAULT={space.path('fault')}"]
    space.start(space.host, [*preload, os.path.join(space.build, "mxloadd"), "-c", config, "-r", RULES], "ready: ")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--rounds", type=int, default=25)
    p.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="DIR")
    o = p.parse_args()
    spaces = {}
    figures = {}
    try:
        for name, fault in (("fast", "well"), ("slow", "slow 50")):
            spaces[name] = Namespaces(f"disk-{name}", os.path.abspath(o.build))
            spaces[name].open()
            start(spaces[name], fault)
        for name in spaces:
            for in_flight in (64, 1):  # leases grow to what is needed, once
                bench.measure(spaces[name], in_flight, 4000)
        for n in range(o.rounds):
            for name in sorted(spaces, reverse=n % 2 == 1):
                for in_flight, connections in ((1, 4000), (64, 10000)):
                    m = bench.measure(spaces[name], in_flight, connections)
                    figures.setdefault((name, in_flight), []).append((m["median_us"], m["p99_us"]))
    finally:
        for space in spaces.values():
            space.close()
    print("ledger on     in flight   median us      p99 us   (medians of the rounds)")
    for (name, in_flight), rounds in sorted(figures.items()):
        median, p99 = (statistics.median(column) for column in zip(*rounds))
        print(f"{name + ' disk':12} {in_flight:10} {median:11.1f} {p99:11.1f}")
    for in_flight in (1, 64):
        ratio = (statistics.median(p99 for _, p99 in figures["slow", in_flight])
                 / statistics.median(p99 for _, p99 in figures["fast", in_flight]))
        print(f"p99 with a sync of 50 ms more, {in_flight:2} in flight: {ratio:.3f}, target {RATIO}: "
              f"{'reached' if ratio <= RATIO else 'above target'}")


if __name__ == "__main__":
    try:
        main()
    except Failed as e:
        sys.exit(f"disk.py: {e}")

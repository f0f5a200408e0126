#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The closing table of the lab's main job: what mxloadd counted beside what the receivers saw.

    table.py FOLDER      with names, receivers.log (see lib.sh), stats.json and providers.json (see mxload-control(7))

Exit status 1 when they differ, when mail left from a wrong address, or when a weighted share is off by more than one
connection.
"""

import collections
import json
import pathlib
import sys

MESSAGES = 600


def seen(folder, providers):
    """Connections and messages by (provider, source), as the receivers have them."""
    names = dict(line.split() for line in (folder / "names").read_text().splitlines())
    opened = collections.Counter()
    messages = 0
    for line in (folder / "receivers.log").read_text().splitlines():
        _, kind, local, peer, _ = line.split()
        if kind == "open":
            provider = names[local] if names[local] in providers else "default"
            opened[provider, names.get(peer, peer)] += 1
        messages += kind == "message"
    return opened, messages


def show(stats, opened, balances):
    """Prints the table; returns what is wrong."""
    wrong = []
    row = "{:<10} {:<9} {:<7} {:>6} {:>9} {:>9} {:>9} {:>9}".format
    print("\n" + row("PROVIDER", "BALANCE", "SOURCE", "WEIGHT", "EXPECTED", "ACHIEVED", "MXLOADD", "RECEIVERS"))
    left = collections.Counter(opened)
    for lane in stats["lanes"]:
        key = lane["provider"], lane["source"]
        received = left.pop(key, 0)
        total = sum(other["connections"] for other in stats["lanes"] if other["provider"] == lane["provider"])
        share = lane["connections"] / total if total else 0
        print(row(lane["provider"], balances[lane["provider"]], lane["source"], lane["weight"],
                  f"{lane['expected_share']:.3f}", f"{share:.3f}", lane["connections"], received))
        if received != lane["connections"]:
            wrong.append(f"{key[1]} at {key[0]}: mxloadd counted {lane['connections']}, the receivers saw {received}")
        if balances[lane["provider"]] == "weighted" and abs(lane["connections"] - total * lane["expected_share"]) > 1:
            wrong.append(f"{key[1]} at {key[0]}: the share is off by more than one connection")
    wrong += [f"{count} connections to {provider} came from {source}, of which mxloadd knows nothing"
              for (provider, source), count in left.items()]
    return wrong


def main():
    folder = pathlib.Path(sys.argv[1])
    stats = json.loads((folder / "stats.json").read_text())
    providers = json.loads((folder / "providers.json").read_text())["providers"]
    balances = {provider["name"]: provider["balance"] for provider in providers}
    opened, messages = seen(folder, balances)
    wrong = show(stats, opened, balances)
    counted = sum(lane["connections"] for lane in stats["lanes"])
    print(f"\n{messages} messages, {sum(opened.values())} connections seen, {counted} counted, "
          f"{stats['guarded']} stopped by the guard")
    if "sticky" in balances.values():
        print("(sticky: a destination keeps its source, so shares are right over many destinations only)")
    if messages != MESSAGES:
        wrong.append(f"{messages} messages arrived, {MESSAGES} were sent")
    if stats["guarded"]:
        wrong.append(f"the guard stopped {stats['guarded']} connections from a wrong address")
    for line in wrong:
        print("WRONG:", line)
    sys.exit(1 if wrong else 0)


main()

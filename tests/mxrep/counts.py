#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""counts.py [KEY...]: what mxrep report -j says (standard input), a line for each lane: its names, then its counts. With
KEYs: these alone; one with a dot is of the lane's inner object."""

import json
import sys


def value(lane, key):
    for part in key.split("."):
        lane = lane.get(part, 0) if isinstance(lane, dict) else 0
    return "-" if lane is None else str(lane)


def main():
    keys = sys.argv[1:]
    if not keys:
        keys = ["source", "provider", "messages.sent", "messages.deferred", "messages.bounced", "failed", "suspended",
                "late_bounces", "bad_addresses", "complaints", "blocked"]
    for lane in json.load(sys.stdin)["lanes"]:
        print(" ".join(value(lane, key) for key in keys))


main()

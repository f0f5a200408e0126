#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How far mxrep's report is from what the receivers saw: offs.py NAMES RECEIVERS-LOG, with the report as JSON at its input.

A line for each provider and source: PROVIDER SOURCE THOUSANDTHS, of the provider's messages, where it is off most; 0 is
exact.
"""

import collections
import json
import sys

KINDS = {"message": "sent", "deferred": "deferred", "bounced": "bounced"}
CATCH_ALL = {"alpha": "default", "beta": "default"}

names = dict(line.split()[:2] for line in open(sys.argv[1]))
seen, all_of = collections.Counter(), collections.Counter()
for line in open(sys.argv[2]):
    _, kind, to, sender = line.split()[:4]
    if kind in KINDS:
        provider = names.get(to, to)
        provider = CATCH_ALL.get(provider, provider)
        seen[provider, names.get(sender, sender), KINDS[kind]] += 1
        all_of[provider] += 1
told = collections.Counter()
for lane in json.load(sys.stdin)["lanes"]:
    for kind in KINDS.values():
        told[lane["provider"], lane["source"], kind] += lane["messages"][kind]
for provider in sorted(all_of):
    for source in sorted({source for _, source, _ in seen + told}):
        most = max(abs(told[provider, source, kind] - seen[provider, source, kind]) for kind in KINDS.values())
        print(provider, source, -(-most * 1000 // all_of[provider]))

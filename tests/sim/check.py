#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""check.py WHAT FILE...: says what is wrong with a run of mxsim, from its trace, its JSON or its CSV; nothing is well.

What is counted here is counted anew, one connection after another, without any of mxsim's windows.
"""
import csv
import json
import sys
from bisect import bisect_left
from collections import Counter, defaultdict
from datetime import datetime
from fractions import Fraction


def trace(path):
    """Yields (milliseconds, action, provider, source, reason, messages)."""
    with open(path) as lines:
        for line in lines:
            when, action, provider, source, reason, messages = line.split()
            yield round(float(when) * 1000), action, provider, source, reason, int(messages)


def need(condition, *text):
    if not condition:
        print(*text)
        sys.exit(1)


def most_in(times, length):
    """The most of these sorted times that any interval of that length holds."""
    return max(i + 1 - bisect_left(times, at - length + 1) for i, at in enumerate(times)) if times else 0


def rolling(path, hours, most, *lane):
    """At most `most` connections in any interval of so many hours, of SOURCE@ or SOURCE@PROVIDER or @PROVIDER.

    And nearly so many in the fullest: a window frees up to 1/24 of its length late.
    """
    source, _, provider = lane[0].partition("@")
    times = [t for t, action, p, s, _, _ in trace(path)
             if action == "assign" and source in ("", s) and provider in ("", p)]
    got = most_in(times, int(hours) * 3600000)
    need(0.9 * int(most) <= got <= int(most), f"{lane[0]}: {got} in {hours} h, expected {most}; {len(times)} in all")


def at_once(path, seconds, most, *lane):
    """Exactly `most` connections open at once, each lasting so many seconds."""
    source, _, provider = lane[0].partition("@")
    times = [t for t, action, p, s, _, _ in trace(path) if (action, p, s) == ("assign", provider, source)]
    need(most_in(times, int(seconds) * 1000) == int(most), most_in(times, int(seconds) * 1000))


def shares(path, *weights):
    """After each connection, no source is off its share by a whole one."""
    weight = {name: int(n) for name, n in (w.split("=") for w in weights)}
    total, got, n = sum(weight.values()), Counter(), 0
    for _, action, _, source, _, _ in trace(path):
        need(action == "assign", action)
        got[source] += 1
        n += 1
        for name, w in weight.items():
            off = got[name] - Fraction(n * w, total)
            need(abs(off) < 1, f"after {n} connections {name} is off by {float(off)}")
    need(n > 1000, f"only {n} connections")


def hours(trace_path, json_path):
    """A ramp of hourly caps: no hour of a sending day holds more than its cap, and each day reaches it."""
    with open(json_path) as f:
        days = json.load(f)["warmups"][0]["days"]
    times = [t for t, action, *_ in trace(trace_path) if action == "assign"]
    begins = [int(datetime.fromisoformat(d["began"].replace("Z", "+00:00")).timestamp()) * 1000 for d in days]
    for i, day in enumerate(days):
        end = begins[i + 1] if i + 1 < len(days) else 1 << 60
        peak = max(k + 1 - bisect_left(times, t - 3600000 + 1) for k, t in enumerate(times) if begins[i] <= t < end)
        need(day["day"] == i + 1 and peak == day["cap"] == day["most_in_an_hour"],
             f"day {day}: {peak} in an hour")
        need(i == 0 or begins[i] - begins[i - 1] >= 86400000, f"day {i + 1} began too soon")
        need(i == 0 or begins[i] - begins[i - 1] < 86500000, f"day {i + 1} began too late")


def balance(json_path, csv_path, total):
    """arrived = sent + waiting + expired; what the CSV says adds up to the same; waits are in order."""
    with open(json_path) as f:
        run = json.load(f)
    with open(csv_path) as f:
        rows = list(csv.DictReader(f))
    arrived = 0
    for p in run["providers"]:
        name = p["provider"]
        mine = [r for r in rows if r["provider"] == name]
        need(p["arrived"] == p["sent"] + p["waiting"] + p["expired"], p)
        need(p["deferred"] <= p["arrived"], p)
        need(sum(int(r["messages"]) for r in mine if r["source"]) == p["sent"], name, "messages")
        need(sum(lane["messages"] for lane in run["lanes"] if lane["provider"] == name) == p["sent"], name, "lanes")
        own = [r for r in mine if not r["source"]]
        for column in ("arrived", "expired"):
            need(sum(int(r[column]) for r in own) == p[column], name, column)
        need(sum(int(r["refused"]) for r in own) ==
             sum(r["connections"] for r in run["refused"] if r["provider"] == name), name, "refused")
        need(int(own[-1]["waiting"]) == p["waiting"], name, "waiting")
        if p["wait"]:
            need(0 < p["wait"]["median"] <= p["wait"]["p90"] <= p["wait"]["longest"], p)
            need(p["wait"]["longest"] <= 5 * 86400 + 3600, p)
            need(p["wait"]["messages"] <= p["deferred"] + sum(h["connections"] for h in run["held"]) * 10000, p)
        arrived += p["arrived"]
    need(arrived == int(total), f"{arrived} arrived, expected {total}")


def value(path, *keys):
    """Prints a value of the JSON: names and numbers of what stands in what, NAME=VALUE for the first that has it."""
    with open(path) as f:
        at = json.load(f)
    for key in keys:
        name, has, wanted = key.partition("=")
        if has:
            at = next((x for x in at if str(x[name]) == wanted), None)
            if at is None:
                break
        else:
            at = at[int(key) if isinstance(at, list) else key]
    print("none" if at is None else at)


def ramp(path, source, *caps):
    """The days of a CSV: exactly these messages, which are the caps, on days 1, 2, 3 ..."""
    sent, cap = defaultdict(int), {}
    with open(path) as f:
        for r in csv.DictReader(f):
            if r["source"] == source:
                sent[int(r["day"])] += int(r["messages"])
                cap[int(r["day"])] = (r["warmup_day"], r["cap"])
    need(len(sent) == len(caps), f"{len(sent)} days, expected {len(caps)}")
    for day, most in enumerate(caps, 1):
        need(sent[day] == int(most), f"day {day}: {sent[day]}, expected {most}")
        need(cap[day] == (str(day), most), f"day {day}: {cap[day]}")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])

# SPDX-License-Identifier: GPL-2.0-or-later
"""The closing table and the verdicts. All rounds count together: connections over the time that they took."""

from statistics import median

# what, against what, at least; the last at 1 in flight alone
TARGETS = [
    ("mxload", "echo-table", 0.95),
    ("mxload+flows", "echo-table", 0.90),
    ("mxload+limits", "echo-table", 0.95),
    ("echo-table", "echo-bare", 0.92),
    ("kmod", "static-table", 0.97),
    ("kmod", "numgen", 0.88),
    ("kmod", "mxload", 1.5),
]


def counterpart(key, name):
    """The measurement of variant `name` that belongs beside `key`; `none` has no queues."""
    _, queues, in_flight = key
    without = ("none", "numgen", "static-table")
    return (name, None if name in without else queues or 1, in_flight)


def rate(rounds):
    return sum(r["connections"] for r in rounds) / sum(r["seconds"] for r in rounds)


def ratio(results, key, name):
    """What slows the whole machine for a moment slows both: each round measures every variant."""
    mine, other = results.get(key), results.get(counterpart(key, name))
    return rate(mine) / rate(other) if mine and other else None


def row(results, key):
    rounds = results[key]
    name, queues, in_flight = key
    return {
        "variant": name, "queues": queues, "in_flight": in_flight,
        "per_second": rate(rounds),
        "to_none": ratio(results, key, "none"),
        "to_echo_bare": ratio(results, key, "echo-bare"),
        "to_echo_table": ratio(results, key, "echo-table"),
        "median_us": median(r["median_us"] for r in rounds),
        "p99_us": median(r["p99_us"] for r in rounds),
        "failures": sum(r["failures"] for r in rounds),
    }


def verdicts(results):
    found = []
    for name, other, target in TARGETS:
        for key in results:
            if key[0] != name or (target > 1 and key[2] != 1):
                continue
            value = ratio(results, key, other)
            if value is not None:
                found.append({"variant": name, "against": other, "queues": key[1], "in_flight": key[2],
                              "target": target, "ratio": value, "reached": value >= target})
    return found


def cell(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def print_table(rows):
    form = "{:<14}{:>7}{:>10}{:>15}{:>9}{:>14}{:>15}{:>11}{:>10}{:>10}"
    print(form.format("variant", "queues", "in flight", "connections/s", "to none", "to echo-bare", "to echo-table",
                      "median us", "p99 us", "failures"))
    for r in sorted(rows, key=lambda r: r["in_flight"]):
        print(form.format(r["variant"], r["queues"] or "-", r["in_flight"], f"{r['per_second']:.0f}",
                          cell(r["to_none"]), cell(r["to_echo_bare"], 3), cell(r["to_echo_table"], 3),
                          cell(r["median_us"], 1), cell(r["p99_us"], 1), r["failures"]))


def print_verdicts(found):
    for v in found:
        state = "reached" if v["reached"] else "below target"
        queues = "        " if not v["queues"] else "1 queue " if v["queues"] == 1 else f"{v['queues']} queues"
        print(f"{v['variant']:<13} to {v['against']:<11} {queues} {v['in_flight']:>4} in flight: "
              f"{v['ratio']:.3f}, target {v['target']:.2f}: {state}")


def print_report(results):
    """Prints both; returns what they say."""
    rows = [row(results, key) for key in results]
    found = verdicts(results)
    print()
    print_table(rows)
    print()
    print_verdicts(found)
    return rows, found

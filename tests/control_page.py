#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds mxload-control(7) against the program.

    control_page.py SOCKET PAGE

Sends each request that the page gives as an example, in order, and compares the answer with the page's: keys, types,
and values but for those of VARYING; fractions to three places. Of a list that is longer than the page's, the page shows the beginning. Commands
of the page and of the daemon have to be the same. Prints TAP.
"""

import json
import re
import socket
import sys


# what is another value in every run: times, ports, counters of the kernel, where this daemon's files are
VARYING = {
    "version", "queue_expression", "number", "waiting", "asked", "answered", "next", "questions", "answers", "since", "uptime", "configuration", "path", "time", "learned",
    "first", "confirmed", "until", "day_ends", "commits", "rows", "written", "from_port", "source_port", "sent", "received", "established", "flows.source", "flows.source_address",
}
EXAMPLE = re.compile(r'\.\\" example: (\S+)\n\.Bd -literal[^\n]*\n(.*?)\n\.Ed\n\.Bd -literal[^\n]*\n(.*?)\n\.Ed', re.S)


def examples(text):
    """(name, request line, answer) for each pair of literal blocks behind a comment `.\\" example: NAME`."""
    for name, request, answer in EXAMPLE.findall(text):
        yield name, request.strip(), json.loads(answer)


def ask(path, line):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        s.sendall(line.encode() + b"\n")
        return json.loads(s.makefile().readline())


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def differences(got, wanted, names=("", "answer"), place="answer"):
    """What is not as the page has it, one line each. `names`: of this value, with and without the one it is in."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        wrong = [f"{place}.{k}: not in the page" for k in got.keys() - wanted.keys()]
        wrong += [f"{place}.{k}: not in the answer" for k in wanted.keys() - got.keys()]
        for k in got.keys() & wanted.keys():
            wrong += differences(got[k], wanted[k], (f"{names[1]}.{k}", k), f"{place}.{k}")
        return wrong
    if isinstance(wanted, list) and isinstance(got, list):
        if len(got) < len(wanted) or (got and not wanted):
            return [f"{place}: {len(got)} entries, the page has {len(wanted)}"]
        return [line for i, w in enumerate(wanted) for line in differences(got[i], w, names, f"{place}[{i}]")]
    if VARYING.intersection(names) and (type(got) is type(wanted) or (is_number(got) and is_number(wanted))):
        return []
    if isinstance(got, float) and isinstance(wanted, float):
        got = round(got, 3)
    if type(got) is not type(wanted) or got != wanted:
        return [f"{place}: {got!r}, the page has {wanted!r}"]
    return []


def main():
    path, page = sys.argv[1:]
    text = open(page).read()
    number = failed = 0
    covered = set()

    def point(wrong, title):
        nonlocal number, failed
        number += 1
        failed += bool(wrong)
        print("not ok" if wrong else "ok", number, "-", title)
        for line in wrong:
            print("#", line)

    for name, request, wanted in examples(text):
        point(differences(ask(path, request), wanted), name)
        if wanted["ok"]:
            covered.add(json.loads(request)["command"])
    marks = text.count('.\\" example:')
    point([] if marks and marks == number else [f"{marks} marked, {number} read"], "every example was read")
    known = set(ask(path, '{"command":"help"}')["commands"])
    point(sorted(known ^ covered), "the page and the program have the same commands")
    sections = set(re.findall(r"^\.Ss ([a-z]+)$", text, re.M))
    point(sorted(known ^ sections), "every command has its section")
    print(f"1..{number}")
    sys.exit(bool(failed))


main()

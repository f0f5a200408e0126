#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Holds mxload-control(7) against the program.

    control_page.py SOCKET PAGE

Sends each request that the page gives as an example, in order, and compares the keys and types of the answer with the
page's. Every command that the daemon knows has to have an example. Prints TAP.
"""

import json
import re
import socket
import sys


def examples(page):
    """(name, request line, answer) for each pair of literal blocks behind a comment `.\\" example: NAME`."""
    text = open(page).read()
    pattern = r'\.\\" example: (\S+)\n\.Bd -literal[^\n]*\n(.*?)\n\.Ed\n\.Bd -literal[^\n]*\n(.*?)\n\.Ed'
    for name, request, answer in re.findall(pattern, text, re.S):
        yield name, request.strip(), json.loads(answer)


def ask(path, line):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(path)
        s.sendall(line.encode() + b"\n")
        return json.loads(s.makefile().readline())


def differences(got, wanted, place="answer"):
    if got is None or wanted is None:
        return []
    if isinstance(wanted, (int, float)) and not isinstance(wanted, bool):
        same = isinstance(got, (int, float)) and not isinstance(got, bool)
    else:
        same = type(got) is type(wanted)
    if not same:
        return [f"{place}: {type(got).__name__}, the page has {type(wanted).__name__}"]
    if isinstance(wanted, list):
        return differences(got[0], wanted[0], place + "[0]") if got and wanted else []
    if not isinstance(wanted, dict):
        return []
    wrong = [f"{place}.{key}: not in the page" for key in got.keys() - wanted.keys()]
    wrong += [f"{place}.{key}: not in the answer" for key in wanted.keys() - got.keys()]
    for key in got.keys() & wanted.keys():
        wrong += differences(got[key], wanted[key], f"{place}.{key}")
    return wrong


def main():
    path, page = sys.argv[1:]
    number = failed = 0
    covered = set()
    for name, request, wanted in examples(page):
        wrong = differences(ask(path, request), wanted)
        number += 1
        failed += bool(wrong)
        covered.add(json.loads(request).get("command"))
        print("not ok" if wrong else "ok", number, "-", name)
        for line in wrong:
            print("#", line)
    unknown = set(ask(path, '{"command":"help"}')["commands"]) - covered
    number += 1
    failed += bool(unknown)
    print("not ok" if unknown else "ok", number, "- every command has its example", *sorted(unknown))
    print(f"1..{number}")
    sys.exit(bool(failed))


main()

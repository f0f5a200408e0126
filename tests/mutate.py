#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Would the tests notice? Changes core in small ways, one at a time, and runs the unit tests against each.

    mutate.py [--mutants N] [--seed N] [--file PATH]...

A comparison is turned or off by one, `and` becomes `or`, an addition a subtraction, or a statement goes. A mutant is
caught when the unit tests of the daemon's side fail, or do not end in time; one that does not compile is none. Those
that survive are printed as they differ. Exit status 0 when at least nine of ten were caught. Works in a copy of the
tree, build/mutate/tree.
"""

import argparse
import difflib
import glob
import os
import random
import re
import shutil
import subprocess
import sys
import time

SECONDS = 120  # at first; a mutant may loop for ever, and gets some times what the test took then
WANTED = 0.9
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TREE = os.path.join(TOP, "build", "mutate", "tree")
usual = {}     # seconds of each unit test, before anything is changed

LESS, LESS_OR_SAME = r"(?<![<>=!-])<(?![<=])", r"<=(?!=)"
MORE, MORE_OR_SAME = r"(?<![->=])>(?![>=])", r"(?<!>)>=(?!=)"
FLIPS = [ # each comparison the other way round, and one off
    (LESS, ">"), (LESS, "<="), (LESS_OR_SAME, ">="), (LESS_OR_SAME, "<"),
    (MORE, "<"), (MORE, ">="), (MORE_OR_SAME, "<="), (MORE_OR_SAME, ">"),
    (r"==", "!="), (r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"), (r"(?<=\w) \+ (?=\w)", " - "), (r"(?<=\w) - (?=\w)", " + "),
]
STATEMENT = re.compile(r"^\t+(?!return\b|break\b|goto\b|case\b|static\b|const\b|struct\b|enum\b|u8\b|u16\b|u32\b|u64\b|s32\b|s64\b|bool\b)"
                       r"[a-z*(].*;$")


def is_code(line):
    text = line.strip()
    return text and not text.startswith(("#", "/*", "*", "//")) and '"' not in text


def mutants_of(path):
    """(line number, what it becomes), all that are possible."""
    lines = open(path).read().split("\n")
    comment = False
    for number, line in enumerate(lines):
        comment = comment or line.strip().startswith("/*")
        skip, comment = comment, comment and "*/" not in line
        if skip or not is_code(line):
            continue
        code = line.split("/*")[0]
        for pattern, instead in FLIPS:
            for match in re.finditer(pattern, code):
                yield number, line[:match.start()] + instead + line[match.end():]
        if STATEMENT.match(code.rstrip()):
            yield number, ""


def run(command, **options):
    return subprocess.run(command, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def copy_tree():
    shutil.rmtree(TREE, ignore_errors=True)
    for name in subprocess.check_output(["git", "ls-files"], cwd=TOP, text=True).split("\n"):
        if name and not name.startswith(("tests/fuzz/corpus", "doc/")):
            os.makedirs(os.path.dirname(os.path.join(TREE, name)), exist_ok=True)
            shutil.copy2(os.path.join(TOP, name), os.path.join(TREE, name))


def unit_tests():
    names = (os.path.basename(path)[:-2] for path in sorted(glob.glob(os.path.join(TREE, "tests/unit/test_*.c"))))
    return [f"build/unit/{name}" for name in names if not name.startswith(("test_rep_", "test_tool_", "test_sim_"))]


def builds(tests):
    return run(["make", "-s", f"-j{os.cpu_count()}", *tests]).returncode == 0


def takes(test):
    """How long it takes, in seconds; None: it fails, or does not end in time."""
    begun = time.monotonic()
    try:
        failed = run([test], timeout=10 + 4 * usual[test] if test in usual else SECONDS).returncode
    except subprocess.TimeoutExpired:
        return None
    return None if failed else time.monotonic() - begun


def is_caught(tests):
    return any(takes(test) is None for test in tests)


def what_becomes(name, tests):
    """True: caught; None: it does not compile. Those tests that are named after the file mostly catch it, and soon."""
    stem = os.path.basename(name)[:-2]
    own = [test for test in tests if stem in test]
    for some in own, [test for test in tests if test not in own]:
        if some and not builds(some):
            return None
        if is_caught(some):
            return True
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=100, help="how many that compile (100)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--file", action="append", help="of core, instead of all")
    options = parser.parse_args()
    copy_tree()
    tests = unit_tests()
    print(f"{len(tests)} unit tests, built once", flush=True)
    if builds(tests):
        usual.update({test: takes(test) for test in tests})
    if not usual or None in usual.values():
        sys.exit("the tests have to pass before anything is changed")
    files = options.file or sorted(glob.glob("core/*.c", root_dir=TREE))
    all_mutants = [(name, *mutant) for name in files for mutant in mutants_of(os.path.join(TREE, name))]
    random.Random(options.seed).shuffle(all_mutants)
    made = caught = 0
    for name, number, becomes in all_mutants:
        path = os.path.join(TREE, name)
        before = open(path).read()
        lines = before.split("\n")
        lines[number] = becomes
        with open(path, "w") as out:
            out.write("\n".join(lines))
        fate = what_becomes(name, tests)
        made += fate is not None
        caught += fate is True
        if fate is False:
            print("".join(difflib.unified_diff(before.splitlines(True), "\n".join(lines).splitlines(True), name, name, n=1)))
        with open(path, "w") as out:
            out.write(before)
        print(f"{caught} of {made} caught", flush=True)
        if made == options.mutants:
            break
    sys.exit(caught < WANTED * made)


main()

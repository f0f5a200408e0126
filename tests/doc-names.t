#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What ARCHITECTURE.md, README.md and doc/*.md name is there: files, functions, structures, pages and what they link to."""

import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CODE = ("core", "daemon", "kmod", "tools", "tests")
ELSEWHERE = {"connect()", "fallback.nft"}  # of libc; written by the daemon
FOLDERS = CODE + ("catalogue", "doc", "nft-rules")


def tree():
    """Every file of the sources, by its path from the top."""
    found = [n for n in os.listdir(TOP) if os.path.isfile(os.path.join(TOP, n))]
    for folder in FOLDERS:
        for at, _, names in os.walk(os.path.join(TOP, folder)):
            found += [os.path.relpath(os.path.join(at, n), TOP) for n in names]
    return found


def text(path):
    with open(os.path.join(TOP, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def defined(files):
    """Names that a line of the code begins to define: functions, and structures."""
    functions, structures = set(), set()
    for path in files:
        if path.endswith((".c", ".h")):
            code = text(path)
            functions.update(re.findall(r"^[a-z][\w \t*]*?\b(\w+)\([^;]*$", code, re.M))
            functions.update(re.findall(r"^static inline [\w \t*]*?\b(\w+)\(", code, re.M))
            structures.update(re.findall(r"^struct (\w+) \{", code, re.M))
            functions.update(name + "[]" for name in re.findall(r"\b(\w+)\[\] = \{", code))
        elif path.startswith("tests/") and not path.endswith((".py", ".md")):
            functions.update(re.findall(r"^(\w+)\(\) \{", text(path), re.M))
    return functions, structures


def heading(line):
    """What a heading is linked to by."""
    return re.sub(r"[^\w\- ]", "", line.strip("# \n").lower()).replace(" ", "-")


def wrong(page, files, functions, structures):
    """What a page names that is not there, one text each; and how much it names."""
    folders = {os.path.dirname(f) for f in files} | {f.split("/")[0] for f in files if "/" in f}
    names = {os.path.basename(f) for f in files}
    content = text(page)
    prose = re.sub(r"^```.*?^```", "", content, flags=re.M | re.S)
    told, count = [], 0

    for token in re.findall(r"`([^`\n]+)`", prose):
        for path in re.findall(r"(?<![\w./<@-])((?:%s)/[\w./-]*|[\w-]+\.(?:c|h|py|t|nft|rules))(?![\w*])" % "|".join(FOLDERS), token):
            count += 1
            if path not in ELSEWHERE and not (path.rstrip("/") in folders or path in files or ("/" not in path and path in names)):
                told.append(f"{page}: no file {path}")
        for name in re.findall(r"\b(\w+(?:\(\)|\[\]))", token):
            count += 1
            if name not in ELSEWHERE and name.removesuffix("()") not in functions:
                told.append(f"{page}: no function {name}")
        for name in re.findall(r"\bstruct (\w+)", token):
            count += 1
            if name not in structures:
                told.append(f"{page}: no struct {name}")
    for name, section in re.findall(r"\b(mx[\w.-]*\w)\((\d)\)", prose):
        count += 1
        if f"doc/{name}.{section}" not in files:
            told.append(f"{page}: no page {name}({section})")
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        count += 1
        path, _, anchor = target.partition("#")
        path = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if path not in files and path not in folders:
            told.append(f"{page}: a link to {target}, which is not there")
        elif anchor and anchor not in [heading(line) for line in text(path).splitlines() if line.startswith("#")]:
            told.append(f"{page}: a link to {target}: no such heading")
    return told, count


def main():
    files = tree()
    functions, structures = defined(files)
    pages = [p for p in ("ARCHITECTURE.md", "README.md") if p in files]
    pages += sorted(os.path.relpath(p, TOP) for p in glob.glob(os.path.join(TOP, "doc", "*.md")))
    failed = 0

    print(f"1..{len(pages) + 1}")
    for number, page in enumerate(pages, 1):
        told, count = wrong(page, set(files), functions, structures)
        failed += bool(told)
        print(f"{'not ' if told else ''}ok {number} - what {page} names is there: {count} names")
        for line in told:
            print(f"# {line}")
    # A test that finds nothing to complain of finds it in a page that names what is not there.
    with_faults = "`core/no.c`, `nowhere.c`, `mx_no_such()`, `struct mx_none`, mxnone(8), [it](doc/none.md)\n"
    os.makedirs(os.path.join(TOP, "build"), exist_ok=True)
    path = os.path.join("build", f"doc-names-{os.getpid()}.md")
    with open(os.path.join(TOP, path), "w", encoding="utf-8") as f:
        f.write(with_faults)
    told, _ = wrong(path, set(files), functions, structures)
    os.unlink(os.path.join(TOP, path))
    print(f"{'ok' if len(told) == 6 else 'not ok'} {len(pages) + 1} - and a page that names what is not there is found out")
    return failed or len(told) != 6


sys.exit(1 if main() else 0)

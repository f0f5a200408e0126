#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples of a document, for guide.t and man-examples.t.

    examples.py cut PAGE FOLDER        every example of a page, in order, as files NUMBER.kind, .text, .printed
    examples.py match EXPECTED GOT     whether two files say the same

In Markdown, an example is a fenced block; its kind is what stands behind the fence, and that of a remark `<!-- lab: ... -->`
is "lab". A console block is cut into its commands (lines with "$ ", going on with "> "), each with what it prints.

In a manual page, an example is a display (Bd or Dl); its kind stands in a comment of its own in front of it, `.\\" example:
KIND`. Without one it is "unmarked".

When texts are compared, blanks are alike, times are any time, and "..." stands for anything.
"""

import os
import re
import sys

DISPLAY = re.compile(r'^(?:\.\\" example: (?P<kind>[^\n]+)\n)?(?:\.Bd [^\n]*\n(?P<text>.*?)^\.Ed$|\.Dl (?P<line>[^\n]*))', re.M | re.S)
PIECE = re.compile(r"^<!-- lab: (?P<remark>.*?) -->$|^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S)
TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\dZ?")


def commands(text):
    """(command, what it prints) of a console block."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], ""])
        elif line.startswith("> ") and not found[-1][1]:
            found[-1][0] += "\n" + line[2:]
        else:
            found[-1][1] += line + "\n"
    return found


def pieces(text):
    for match in PIECE.finditer(text):
        if match["remark"] is not None:
            yield "lab", match["remark"], ""
        elif match["kind"] == "console":
            for command, printed in commands(match["text"]):
                yield "console", command, printed
        else:
            yield match["kind"], match["text"], ""


def displays(text):
    for match in DISPLAY.finditer(text):
        example = match["text"] if match["text"] is not None else match["line"] + "\n"
        yield match["kind"] or "unmarked", example.replace(r"\(dq", '"').replace(r"\&", "").replace(r"\e", "\\"), ""


def cut(page, folder):
    with open(page, encoding="utf-8") as f:
        text = f.read()
        for number, parts in enumerate(pieces(text) if page.endswith(".md") else displays(text)):
            for name, part in zip(("kind", "text", "printed"), parts):
                with open(os.path.join(folder, f"{number:03}.{name}"), "w", encoding="utf-8") as out:
                    out.write(part)


def plain(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return " ".join(TIME.sub("TIME", f.read()).split())


def match(expected, got):
    pattern = ".*".join(re.escape(part) for part in plain(expected).split("..."))
    return re.fullmatch(pattern, plain(got)) is not None


if __name__ == "__main__":
    if sys.argv[1] == "cut":
        cut(*sys.argv[2:])
    else:
        sys.exit(not match(*sys.argv[2:]))

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dom.py - what a browser made of a page of mxrep, for tests/report-page.t.

dom.py lanes FILE     the rows of the tables of lanes, as store.py says what is expected
dom.py text FILE      all that is to be read
dom.py markup FILE    elements and attributes that the page has no use for; characters that are not to be seen
dom.py shape FILE     what a screen reader would miss
dom.py title FILE     the title
"""

import html.parser
import sys
import unicodedata

VOID = {"meta", "br", "link", "img", "input", "hr"}
ELEMENTS = set("""html head meta title style body header nav main h1 h2 h3 h4 p ul ol li a b strong code div details summary
    table caption thead tbody tr th td svg desc path text""".split())
ATTRIBUTES = set("""lang charset name content http-equiv id class href role tabindex aria-label aria-hidden scope viewbox
    transform text-anchor d x y stroke stroke-width fill width height""".split())


class Element:
    def __init__(self, name, attributes, parent):
        self.name, self.attributes, self.parent, self.children = name, dict(attributes), parent, []

    def text(self):
        return "".join(c if isinstance(c, str) else c.text() for c in self.children)

    def all(self, name=None):
        for c in self.children:
            if not isinstance(c, str):
                if name in (None, c.name):
                    yield c
                yield from c.all(name)


class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.root = self.at = Element("", (), None)

    def handle_starttag(self, name, attributes):
        e = Element(name, attributes, self.at)
        self.at.children.append(e)
        if name not in VOID:
            self.at = e

    def handle_startendtag(self, name, attributes):
        self.at.children.append(Element(name, attributes, self.at))

    def handle_endtag(self, name):
        e = self.at
        while e.parent and e.name != name:
            e = e.parent
        if e.parent:
            self.at = e.parent

    def handle_data(self, data):
        self.at.children.append(data)


def read(path):
    reader = Reader()
    with open(path, encoding="utf-8", newline="") as f:
        reader.feed(f.read())
    return reader.root


def lanes(root):
    for table in root.all("table"):
        caption = next(table.all("caption")).text()
        if caption not in ("The last 24 hours", "The last 7 days"):
            continue
        rows = []
        for row in next(table.all("tbody")).all("tr"):
            cells = [c.text() for c in row.children if not isinstance(c, str)]
            if row.attributes.get("class") != "sum":
                rows.append("|".join([caption] + cells[:-1]))
        print("\n".join(sorted(rows)))


def text(root):
    for e in root.all():
        if e.name in ("style", "script"):
            e.children = []
    print(root.text())


def markup(root):
    for e in root.all():
        # The title of a path is for who points at it.
        if e.name not in ELEMENTS:
            print("element:", e.name, e.text()[:60])
        for name, value in e.attributes.items():
            if name not in ATTRIBUTES:
                print("attribute:", e.name, name, value)
            if name == "href" and not (value or "").startswith("#"):
                print("link:", value)
    for c in sorted(set(root.text())):
        if (unicodedata.category(c) in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")) and c != "\n":
            print("character: U+%04X" % ord(c))


def shape(root):
    ids = [e.attributes["id"] for e in root.all() if "id" in e.attributes]
    if len(ids) != len(set(ids)):
        print("an id is there twice")
    for a in root.all("a"):
        if a.attributes["href"][1:] not in ids:
            print("leads nowhere:", a.attributes["href"])
    for table in root.all("table"):
        if not [c for c in table.all("caption") if c.text().strip()]:
            print("no caption")
        if not table.parent.attributes.get("aria-label") or table.parent.attributes.get("role") != "region":
            print("no region around", table.text()[:40])
        columns = len(list(next(table.all("thead")).all("th")))
        for row in table.all("tr"):
            cells = [c for c in row.children if not isinstance(c, str)]
            if len(cells) != columns:
                print(len(cells), "cells of", columns, "in", row.text()[:40])
    for th in root.all("th"):
        if th.attributes.get("scope") not in ("col", "row"):
            print("no scope:", th.text())
    for svg in root.all("svg"):
        if svg.attributes.get("aria-hidden") == "true":
            continue
        if svg.attributes.get("role") != "img" or not svg.attributes.get("aria-label"):
            print("a picture without a name")
        if not [d for d in svg.all("desc") if d.text().strip()]:
            print("a picture without words:", svg.attributes.get("aria-label"))
    level = 0
    for e in root.all():
        if e.name in ("h1", "h2", "h3", "h4"):
            if int(e.name[1]) > level + 1 and e.name != "h4":
                print("a heading too deep:", e.text())
            level = int(e.name[1])


def title(root):
    print(next(root.all("title")).text())


def main():
    {"lanes": lanes, "text": text, "markup": markup, "shape": shape, "title": title}[sys.argv[1]](read(sys.argv[2]))


main()

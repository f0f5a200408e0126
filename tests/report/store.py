#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""store.py - fills a store that mxrep has made, for tests/report-page.t.

store.py STORE week        three sources at three providers, as they are in a real week
store.py STORE large       50 sources, 30 providers, 30 days
store.py STORE hostile     texts from outside that want to be more than texts
store.py STORE TIME        what the tables of lanes have to say, line by line, when the page is of this time (seconds)
"""

import random
import sqlite3
import sys
import time

NOW = int(time.time())
HOUR = NOW // 3600
DAY = NOW // 86400
SENT, DEFERRED, BOUNCED, FAILED, SUSPENDED, LATE, COMPLAINT, TRAP = range(8)
NONE, UNKNOWN, FULL, RATE, GREY, BLOCKED, NETWORK = 0, 1, 2, 8, 9, 10, 13


class Store:
    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("BEGIN")

    def lane(self, source, provider, network=""):
        self.db.execute("INSERT OR IGNORE INTO lane (source, provider, network) VALUES (?, ?, ?)", (source, provider, network))
        query = "SELECT id FROM lane WHERE source = ? AND provider = ? AND network = ?"
        return self.db.execute(query, (source, provider, network)).fetchone()[0]

    def count(self, hour, lane, what, n, category=NONE, how=0):
        if n:
            self.db.execute("INSERT INTO count VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
                            (hour, lane, what, category, how, n))

    def reply(self, lane, category, outcome, text, ago=60):
        self.db.execute("INSERT OR REPLACE INTO reply VALUES (?, ?, ?, ?, ?)", (lane, category, outcome, text, NOW - ago))

    def action(self, ago, lane, what, value, reason, evidence, result="done"):
        self.db.execute("INSERT INTO action (time, lane, what, value, reason, evidence, result) VALUES (?, ?, ?, ?, ?, ?, ?)",
                        (NOW - ago, lane, what, value, reason, evidence, result))

    def standing(self, lane, judgement, factor, rest_until):
        self.db.execute("INSERT INTO standing VALUES (?, 0, ?, ?, ?, 1, ?, ?)", (lane, judgement, factor, rest_until, NOW, NOW))

    def dmarc(self, *row):
        self.db.execute("INSERT OR REPLACE INTO dmarc VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def day_of_mail(self, hour, lane, n, deferred=0.03, bad=0.002, complaints=0.0004, how=0):
        self.count(hour, lane, DEFERRED, int(n * deferred / 2), GREY, how)
        self.count(hour, lane, DEFERRED, int(n * deferred / 2), RATE, how)
        self.count(hour, lane, BOUNCED, int(n * bad), UNKNOWN, how)
        self.count(hour, lane, BOUNCED, int(n * 0.004), FULL, how)
        self.count(hour, lane, COMPLAINT, int(n * complaints))
        self.count(hour, lane, FAILED, int(n * 0.01), NETWORK)
        self.count(hour, lane, SENT, n, NONE, how)


def week(s):
    random.seed(1)
    for source, began, most in ("mx1", 60, 9000), ("mx2", 24, 6000), ("mx3", 11, 3000):
        for provider, share in ("google", 5), ("microsoft", 3), ("default", 2):
            lane = s.lane(source, provider)
            for ago in range(began, -1, -1):
                n = min(most, 50 * 2 ** min(began - ago, 9)) * share // 10
                n = int(n * random.uniform(0.8, 1.1))
                is_bad = source == "mx3" and provider == "google" and ago < 2
                s.day_of_mail(HOUR - 24 * ago, lane, n, 0.2 if is_bad else 0.03, 0.15 if is_bad else 0.002,
                              0.002 if provider == "google" else 0.0004, ago % 3)
    bad, limited = s.lane("mx3", "google"), s.lane("mx2", "microsoft")
    s.action(4000, bad, "backoff", "900", "rate-limited: 421 4.7.28 too many", "rule 12, deferred: 421 4.7.28 too many", "done")
    s.action(3000, bad, "factor", "0.100", "spammer", "450 bad addresses and 6 complaints of 3000 messages: 15.20 %")
    s.action(3000, bad, "warmup", "back", "spammer", "450 bad addresses and 6 complaints of 3000 messages: 15.20 %")
    s.action(200, limited, "backoff", "1800", "blocked-address: 550 5.7.1 S3140", "rule 9, bounced: 550 5.7.1 S3140", "pending")
    s.standing(bad, 3, 100, 0)
    s.standing(limited, 1, 1000, NOW + 1600)
    s.reply(bad, RATE, DEFERRED, "421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP")
    s.reply(bad, UNKNOWN, BOUNCED, "550 5.1.1 The email account that you tried to reach does not exist")
    s.reply(limited, BLOCKED, BOUNCED, "550 5.7.1 Unfortunately, messages from [192.0.2.2] weren't sent. (S3140)")
    s.reply(limited, GREY, DEFERRED, "451 4.7.650 The mail server has been temporarily rate limited")
    for ago in range(1, 25):
        for reporter, n in ("google.com", 800), ("Outlook.com", 300):
            s.dmarc(DAY - ago, "example.com", "mx1", reporter, "none", 1, 1, n + 7 * ago)
            s.dmarc(DAY - ago, "example.com", "mx2", reporter, "none", 1, 0, n // 2)
            s.dmarc(DAY - ago, "example.com", "198.51.100.77", reporter, "reject", 0, 0, ago * 5)


def large(s):
    random.seed(2)
    lanes = [s.lane("outbound-mx%02d" % i, "provider-%02d" % k) for i in range(50) for k in range(30)]
    for i, lane in enumerate(lanes):
        for ago in range(30):
            s.day_of_mail(HOUR - 24 * ago, lane, random.randrange(1000, 90000), bad=random.choice((0.002, 0.05, 0.2)))
        s.standing(lane, i % 4, 500, NOW + 600)
        for category in range(15):
            s.reply(lane, category, 1 + category % 2, "550 " + "reply of some length " * 24)
        s.action(60 * i, lane, "backoff", "900", "rate-limited: " + "why " * 46, "rule 1: " + "evidence " * 54)
    for domain in range(60):
        for source in range(50):
            s.dmarc(DAY - source % 28, "domain-%d.example" % domain, "mx%d" % source, "reporter-%d" % (source * 7 + domain),
                    "none", 1, 1, 100 + source)


HOSTILE = [
    b"</td></table><script>document.title='owned'</script><img src=x onerror=alert(1)>",
    b"\"><script src=http://evil.example/x.js></script>' onmouseover='alert(1)",
    b"]]></style></title></svg><svg onload=alert(1)><!-- -->",
    b"&lt;b&gt; &#60;i&#62; &amp;copy",
    b"\x1b[31mred\x1b[0m \x07\x08 and \xc2\x9b31m, \x7f",
    "left \u202egnp.exe\u202c \u2066hid\u2069 \u200bzero\ufeff \u2028line \U000e0041tag".encode(),
    b"invalid \xff\xfe \xc0\xbc script \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82 \xf0\x9f",
    b"lines\r\nwith\ttabs",
    b"A<&\"'>" * 2000,
]


def hostile(s):
    for i, text in enumerate(HOSTILE):
        # Text of any bytes, as a store has it when its writer did not look.
        def put(table, columns, values):
            marks = ", ".join("CAST(? AS TEXT)" if isinstance(v, bytes) else "?" for v in values)
            s.db.execute("INSERT INTO %s (%s) VALUES (%s)" % (table, columns, marks), values)
        put("lane", "id, source, provider, network", (100 + i, text, text + b"p", text + b"n"))
        s.day_of_mail(HOUR, 100 + i, 1000 + i, bad=0.3)
        s.day_of_mail(HOUR - 48, 100 + i, 500)
        put("reply", "lane, category, outcome, text, time", (100 + i, i + 1, 1 + i % 2, text, NOW))
        put("action", "time, lane, what, value, reason, evidence, result", (NOW - i, 100 + i, text, text, text, text, text))
        s.standing(100 + i, 3, 100, NOW + 600)
        put("dmarc", "day, domain, source, reporter, disposition, dkim, spf, n", (DAY - 1, text, text, text, text, 0, 0, 10 + i))


def expected(s, now):
    """The table of lanes, from the store by other means: caption, source, provider, numbers and rate."""
    for caption, seconds in ("The last 24 hours", 86400), ("The last 7 days", 7 * 86400):
        query = """SELECT source, provider,
            SUM(n * (what <= 2)), SUM(n * (what = 0)), SUM(n * (what = 1)), SUM(n * (what = 2)), SUM(n * (what = 3)),
            SUM(n * (what = 6)), SUM(n * (what = 7 OR (category = 1 AND what IN (2, 5))))
            FROM count JOIN lane ON lane.id = count.lane WHERE hour >= ? GROUP BY 1, 2 ORDER BY 1, 2"""
        for row in s.db.execute(query, ((now - seconds) // 3600,)):
            rate = "%.2f %%" % (100.0 * (row[8] + row[7]) / row[2])
            print("|".join([caption] + [str(v) for v in row] + [rate]))


def main():
    path, what = sys.argv[1:]
    s = Store(path)
    if what.isdigit():
        expected(s, int(what))
    else:
        {"week": week, "large": large, "hostile": hostile}[what](s)
    s.db.execute("COMMIT")


main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""log.py FIRST COUNT [BEGIN]: a log of Postfix, of messages FIRST to FIRST+COUNT-1, four lines each, a second apart from
BEGIN (seconds, default an hour ago).

Of 20 messages 10 are sent to Google, 4 to a host of nobody we know; 2 are deferred by Google for their rate, 2 bounced
there because the user is unknown, 1 finds no host, and 1 is not tried.
"""

import sys
import time

HOST = "mx.example.com"
GOOGLE = "gmail-smtp-in.l.google.com[142.250.27.26]:25"
OTHER = "mx.example.net[198.51.100.7]:25"
TOO_MANY = ("host gmail-smtp-in.l.google.com[142.250.27.26] said: 421 4.7.28 Our system has detected an unusual rate of "
            "unsolicited mail originating from your IP address. (in reply to end of DATA command)")
UNKNOWN = ("host gmail-smtp-in.l.google.com[142.250.27.26] said: 550-5.1.1 The email account that you tried to reach does "
           "not exist. 550 5.1.1 - gsmtp (in reply to RCPT TO command)")


def attempt(number):
    """Daemon, relay, dsn, status of a message."""
    kind = number % 20
    if kind < 10:
        return "smtp", GOOGLE, "2.0.0", "sent (250 2.0.0 OK - gsmtp)"
    if kind < 14:
        return "smtp", OTHER, "2.0.0", f"sent (250 2.0.0 Ok: queued as {number})"
    if kind < 16:
        return "smtp", GOOGLE, "4.7.28", f"deferred ({TOO_MANY})"
    if kind < 18:
        return "smtp", GOOGLE, "5.1.1", f"bounced ({UNKNOWN})"
    if kind == 18:
        return "smtp", "none", "4.4.1", "deferred (connect to mx.example.net[198.51.100.7]:25: Connection timed out)"
    return "error", "none", "4.4.1", ("deferred (delivery temporarily suspended: connect to mx.example.net[198.51.100.7]:25: "
                                      "Connection timed out)")


def lines(number, begin):
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begin)) + f".{number % 1000000:06d}+00:00 {HOST} postfix/"
    queue_id = f"{number + 0x400000000:X}"
    daemon, relay, dsn, status = attempt(number)
    domain = "example.net" if "example.net" in relay + status else "gmail.com"
    yield f"{when}cleanup[12]: {queue_id}: message-id=<m{number}@example.com>"
    yield f"{when}qmgr[13]: {queue_id}: from=<news@example.com>, size=2048, nrcpt=1 (queue active)"
    yield (f"{when}{daemon}[{100 + number % 7}]: {queue_id}: to=<u{number}@{domain}>, relay={relay}, delay=0.8, "
           f"delays=0.1/0/0.3/0.4, dsn={dsn}, status={status}")
    yield f"{when}qmgr[13]: {queue_id}: removed"


def main():
    first, count = int(sys.argv[1]), int(sys.argv[2])
    begin = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time()) - 3600
    for number in range(first, first + count):
        sys.stdout.write("\n".join(lines(number, begin)) + "\n")


main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ingest.py [MXREP]: how fast mxrep reads a log of Postfix, beside pflogsumm on the same one; interleaved rounds, medians.

LINES (environment): how many, 2,000,000 unless told. Fails when mxrep is less than RATIO times as fast, or takes more
than MEMORY KB. Run by `make bench`.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES = int(os.environ.get("LINES", "2000000"))
ROUNDS = 3
RATIO = 20
MEMORY = 65536

HOSTS = (
    ("gmail.com", "gmail-smtp-in.l.google.com[142.250.27.26]:25", "250 2.0.0 OK  1790000000 a1-20020a05 - gsmtp"),
    ("outlook.com", "outlook-com.olc.protection.outlook.com[52.101.11.1]:25", "250 2.6.0 Queued mail for delivery"),
    ("yahoo.com", "mta7.am0.yahoodns.net[67.195.204.77]:25", "250 ok dirdel"),
    ("example.net", "mx.example.net[198.51.100.7]:25", "250 2.0.0 Ok: queued as 4bKxYz1Qq7z9tnM"),
)


def outcome(relay, well, chance):
    host = relay.rpartition(":")[0]
    if chance < 0.90:
        return "2.0.0", f"sent ({well})"
    if chance < 0.96:
        return "4.7.0", (f"deferred (host {host} said: 421 4.7.0 Try again later, too many messages from your address "
                         "(in reply to MAIL FROM command))")
    return "5.1.1", (f"bounced (host {host} said: 550 5.1.1 The mailbox that you tried to reach does not exist "
                     "(in reply to RCPT TO command))")


def message(number, when):
    """What is logged of a message that an application hands over."""
    begin = time.strftime("%b %e %H:%M:%S", time.gmtime(when)) + " out postfix/"
    queue_id = f"4b{number:012X}"
    domain, relay, well = random.choices(HOSTS, (5, 2, 1, 4))[0]
    dsn, status = outcome(relay, well, random.random())
    process = random.randint(1000, 1100)
    yield f"{begin}smtpd[{process}]: connect from app.example.com[192.0.2.99]"
    yield f"{begin}smtpd[{process}]: {queue_id}: client=app.example.com[192.0.2.99]"
    yield f"{begin}cleanup[{process + 200}]: {queue_id}: message-id=<{number}.{process}@app.example.com>"
    yield f"{begin}qmgr[900]: {queue_id}: from=<news@example.com>, size={random.randint(1500, 90000)}, nrcpt=1 (queue active)"
    yield f"{begin}smtpd[{process}]: disconnect from app.example.com[192.0.2.99] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5"
    yield (f"{begin}smtp[{process + 400}]: {queue_id}: to=<user{number % 50000}@{domain}>, relay={relay}, "
           f"delay={random.randint(3, 90) / 10}, delays=0.1/0/0.2/0.3, dsn={dsn}, status={status}")
    yield f"{begin}qmgr[900]: {queue_id}: removed"
    if number % 200 == 0:
        yield f"{begin}anvil[901]: statistics: max connection rate 9/60s for (smtp:192.0.2.99) at {begin[:15]}"


def make_log(path):
    random.seed(1)
    begin, left, number = time.time() - 86400, LINES, 0
    with open(path, "w", encoding="ascii") as out:
        while left > 0:
            number += 1
            lines = list(message(number, begin + 80000 * (LINES - left) / LINES))[:left]
            out.write("\n".join(lines) + "\n")
            left -= len(lines)


def measure(*command):
    """CPU and wall seconds, and the memory at most in KB."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"ingest.py: {command[0]}: exit status {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss


def configure(folder, number):
    """A store of its own for each round: a log is read only once."""
    with open(f"{folder}/mxload.conf", "w", encoding="ascii") as out:
        out.write(f'catalogue = "{ROOT}/catalogue/providers.conf";\nsources: {{ mx1: {{ address = "192.0.2.25"; }}; }};\n'
                  'pools: { main: { members: { mx1 = 1; }; }; };\nroutes = ( { pool = "main"; } );\n')
    path = f"{folder}/{number}.conf"
    with open(path, "w", encoding="ascii") as out:
        out.write(f'store = "{folder}/{number}.db";\nrules = "{ROOT}/tools/mxrep/replies.rules";\n'
                  f'policy = "{folder}/mxload.conf";\n')
    return path


def main():
    mxrep = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else f"{ROOT}/build/mxrep")
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        log = f"{folder}/mail.log"
        make_log(log)
        for number in range(ROUNDS):
            theirs.append(measure("pflogsumm", log))
            ours.append(measure(mxrep, "-c", configure(folder, number), "ingest", log))
    for name, rounds in ("pflogsumm", theirs), ("mxrep ingest", ours):
        cpu, wall, memory = (statistics.median(r[i] for r in rounds) for i in range(3))
        print(f"{name:12}  {LINES} lines: {cpu:7.2f} s CPU, {wall:7.2f} s wall, {memory // 1024:4} MB")
    ratio = statistics.median(t[0] / o[0] for t, o in zip(theirs, ours))
    memory = max(o[2] for o in ours)
    print(f"{ratio:.1f} times as fast by CPU time (expected: {RATIO} at least), {memory} KB (expected: {MEMORY} at most)")
    return 0 if ratio >= RATIO and memory <= MEMORY else 1


sys.exit(main())

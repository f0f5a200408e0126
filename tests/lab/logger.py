#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a syslog daemon does: writes the lines of standard input to a file, and opens it anew on SIGHUP.

    logger.py FILE
"""

import os
import signal
import sys

path = sys.argv[1]
out = None


def reopen(*_):
    global out
    new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    if out is not None:
        os.close(out)
    out = new


signal.signal(signal.SIGHUP, reopen)
reopen()
for line in sys.stdin.buffer:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    os.write(out, line)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])

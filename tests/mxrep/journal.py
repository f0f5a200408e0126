#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""journal.py FIRST: the lines of a log on standard input as `journalctl -o json` prints them, with cursors from FIRST on."""

import datetime
import json
import re
import sys

for number, line in enumerate(sys.stdin, int(sys.argv[1])):
    stamp, host, tag, pid, text = re.match(r"(\S+) (\S+) ([^[]+)\[(\d+)\]: (.*)", line).groups()
    when = datetime.datetime.fromisoformat(stamp)
    print(json.dumps({"__CURSOR": f"c{number}", "__REALTIME_TIMESTAMP": str(round(when.timestamp() * 1000000)), "_HOSTNAME": host,
                      "SYSLOG_FACILITY": "2", "SYSLOG_IDENTIFIER": tag, "SYSLOG_PID": pid, "_PID": pid, "MESSAGE": text},
                     separators=(",", ":")))

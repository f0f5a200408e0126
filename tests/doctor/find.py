#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""find.py FIELDS [KEY=VALUE...]: of the findings in out.json those that fit; FIELDS with commas between, a line for each. The
severity "-" is any but well."""
import json
import sys

keys = [argument.split("=", 1) for argument in sys.argv[2:]]
with open("out.json") as file:
    for finding in json.load(file)["findings"]:
        if all(finding["severity"] != "well" if (k, v) == ("severity", "-") else finding[k] == v for k, v in keys):
            print(" ".join(finding[field] for field in sys.argv[1].split(",") if finding[field]))

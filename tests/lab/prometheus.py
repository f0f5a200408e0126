#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks a Prometheus on this host, port 9090.

    prometheus.py query EXPRESSION     one line for each sample: its labels but for job and instance, and the value
    prometheus.py rules                how many alerts it has, and what is wrong with one
    prometheus.py compare < JSON       holds the samples against {"stats": ..., "quota": ..., "status": ...}: the answers of
                                       the daemon; says what differs
    prometheus.py dashboard FILE       every expression of every panel of a Grafana dashboard: says what fails or is empty
    prometheus.py page PAGE < METRICS  holds mxload-metrics(7) against a text of metrics: names, types, labels

Exit status 0 when nothing was found to be wrong.
"""

import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

SERVER = "http://127.0.0.1:9090/api/v1/"
# what Grafana would put in
VARIABLES = {"$__rate_interval": "1m", "$instance": ".*", "$source": ".*", "$provider": ".*"}


def ask(path, **arguments):
    url = SERVER + path + "?" + urllib.parse.urlencode(arguments)
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise ValueError(json.load(error)["error"]) from None


def query(expression):
    """[(labels, value)] of an instant query."""
    data = ask("query", query=expression)
    if data["resultType"] == "scalar":
        return [({}, float(data["result"][1]))]
    return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]


def key(labels):
    return tuple(sorted((k, v) for k, v in labels.items() if k not in ("job", "instance", "__name__")))


def samples(name):
    return {key(labels): value for labels, value in query(name)}


def show_query(expression):
    for labels, value in sorted((key(labels), value) for labels, value in query(expression)):
        print("".join(f"{k}={v} " for k, v in labels) + f"{value:g}")
    return []


def rules():
    alerts = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
    print(len(alerts))
    return [f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}" for rule in alerts if rule["health"] != "ok"]


def expected(answers):
    """{metric: {labels: value}}, by what the daemon answers to those who ask it."""
    wanted = {}

    def put(name, value, **labels):
        wanted.setdefault("mxload_" + name, {})[key({k: v for k, v in labels.items() if v})] = float(value)

    for lane in answers["stats"]["lanes"]:
        of = {"source": lane["source"], "provider": lane["provider"]}
        if not lane["connections"] and not lane["failed"] and not any(lane["messages"].values()):
            continue
        put("connections_assigned_total", lane["connections"], **of)
        for outcome in "established", "failed":
            put("connections_total", lane[outcome], outcome=outcome, **of)
        put("connections_pending", lane["pending"], **of)
        put("connections_reset_total", lane["reset"], **of)
        put("connections_early_total", lane["early"], **of)
        for kind, count in lane["messages"].items():
            put("messages_total", count, kind=kind, **of)
        for direction, count in lane["bytes"].items():
            put("transferred_bytes_total", count, direction=direction, **of)
        put("weight", lane["weight"], **of)
        put("factor_ratio", lane["factor"], **of)
        put("expected_share_ratio", lane["expected_share"], **of)
        if lane["left"]:
            put("room_connections", lane["left"]["connections"], **of)
        if lane["warmup_day"]:
            put("warmup_day", lane["warmup_day"], **of)
    for refused in answers["stats"]["refused"]:
        put("syns_refused_total", refused["connections"], provider=refused["provider"], reason=refused["reason"])
    for held in answers["stats"]["held"]:
        put("held_connections", held["now"], provider=held["provider"])
        put("connections_held_total", held["total"], provider=held["provider"])
    for limit in answers["quota"]["quotas"]:
        of = {"source": limit["source"], "provider": limit["provider"], "window": limit["period"]}
        if limit["used"] or not (limit["source"] and limit["provider"]):
            put("limit_" + limit["unit"], limit["limit"], **of)
            put("limit_used_" + limit["unit"], limit["used"], **of)
    status = answers["status"]
    put("generation", status["generation"])
    put("warnings", len(status["warnings"]))
    put("build_info", 1, version=status["version"])
    put("ledger_ok", status["ledger"]["ok"])
    put("ledger_errors_total", status["ledger"]["errors"])
    put("guard_dropped_packets_total", status["table"]["guarded"], by="table")
    put("guard_dropped_packets_total", status["table"]["shielded"], by="shield")
    put("table_refused_packets_total", status["table"]["refused"])
    for queue in status["queues"]:
        put("queue_answered_packets_total", queue["answered"], queue=str(queue["number"]))
    return wanted


def compare():
    wrong = []
    for name, wanted in expected(json.load(sys.stdin)).items():
        got = samples(name)
        for labels, value in wanted.items():
            if labels not in got or abs(got[labels] - value) > 1e-9:
                wrong.append(f"{name}{dict(labels)}: {got.get(labels)}, mxload says {value}")
        if name in ("mxload_syns_refused_total", "mxload_held_connections", "mxload_limit_used_connections"):
            wrong += [f"{name}{dict(labels)}: mxload does not say so" for labels in got.keys() - wanted.keys()]
    return wrong


def dashboard(path):
    wrong, number = [], 0
    with open(path) as file:
        panels = json.load(file)["panels"]
    for panel in panels:
        for target in panel.get("targets", []):
            number += 1
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            try:
                if not query(expression):
                    wrong.append(f"{panel['title']}: {expression}: nothing")
            except ValueError as error:
                wrong.append(f"{panel['title']}: {expression}: {error}")
    return wrong if number else ["it has no expression"]


def page(path):
    with open(path) as file:
        told = {name: (kind, {label for label in labels.split(", ") if label}) for name, labels, kind in
                re.findall(r'^\.It Li "?(\w+)(?:\{([^}]*)\}")? Pq (\w+)$', file.read(), re.M)}
    text = sys.stdin.read()
    known = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    wrong = [f"{name}: not in the page" for name in known.keys() - told.keys()]
    wrong += [f"{name}: not in the program" for name in told.keys() - known.keys()]
    wrong += [f"{name}: {known[name]}, the page has {told[name][0]}" for name in known.keys() & told.keys()
              if known[name] != told[name][0]]
    labels = {}
    for name, of in re.findall(r"^(mxload_\w+)(?:\{(.*)\})? \S+$", text, re.M):
        labels.setdefault(name, set()).update(re.findall(r'(\w+)="', of))
    wrong += [f"{name}: no sample to see its labels by" for name in known.keys() - labels.keys()]
    wrong += [f"{name}: {sorted(labels[name])}, the page has {sorted(told[name][1])}" for name in labels.keys() & told.keys()
              if labels[name] != told[name][1]]
    return wrong


def main():
    commands = {"query": show_query, "rules": rules, "compare": compare, "dashboard": dashboard, "page": page}
    wrong = commands[sys.argv[1]](*sys.argv[2:])
    for line in wrong:
        print(line)
    sys.exit(bool(wrong))


main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon with a large policy, for who only looks: SOURCES x PROVIDERS lanes, of which the first rests.

    many_lanes.py SOCKET SOURCES PROVIDERS

Lane N (counted by source, then provider) has made N connections. The reason of the rest is nothing for a terminal.
"""

import json
import socket
import sys
import threading

HOSTILE = "\x1b[2Jcleared\x07"


def answers(sources, providers):
    names = [f"mx{n}" for n in range(sources)]
    at = [f"provider{n}" for n in range(providers)]
    rest = {"provider": at[0], "network": None, "state": "paused", "owner": "operator", "reason": HOSTILE,
            "since": "2026-11-21T00:00:00Z", "until": None}
    return {
        "status": {"engine": "queue", "mode": "enforce", "uptime": 1, "generation": 1, "queues": [], "warnings": []},
        "pools": {"pools": [{"name": "main", "members": [{"source": name} for name in names], "overflow": None}]},
        "providers": {"providers": [{"name": name, "routes": [{"pool": "main"}]} for name in at]},
        "sources": {"sources": [{"name": name, "usable": True, "states": [] if n else [rest], "weights": []}
                                for n, name in enumerate(names)]},
        "stats": {"lanes": [{"source": source, "provider": provider, "weight": 1, "connections": s * providers + p,
                             "failed": 0, "share": 1 / sources, "expected_share": 1 / sources, "limit": None}
                            for s, source in enumerate(names) for p, provider in enumerate(at)],
                  "refused": [], "held": [], "guarded": 0, "since": "2026-11-21T00:00:00Z"},
        "quota": {"quotas": []},
        "warmup": {"warmups": []},
    }


def serve(client, said):
    try:
        for line in client.makefile():
            client.sendall(said[json.loads(line)["command"]])
    except OSError:
        pass  # it has gone


def main():
    path, sources, providers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    said = {command: json.dumps({"ok": True, **answer}).encode() + b"\n"
            for command, answer in answers(sources, providers).items()}
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(8)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, said), daemon=True).start()


main()

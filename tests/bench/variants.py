# SPDX-License-Identifier: GPL-2.0-or-later
"""What is compared: for each variant, how its mail host is set up."""

import os

from netns import SOURCES

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULES = os.path.join(ROOT, "nft-rules", "mxload.nft")
FIRST_QUEUE = 250
MARKS = [f"0x{k << 16:08x}" for k in range(1, len(SOURCES) + 1)]
PER_SOURCE = list(zip(MARKS, SOURCES))
DEFINES = """define MASK = 0x0fff0000
define KEEP = 0xf000ffff
define REFUSE = 0x0fff0000
define PASS = 0x0ffe0000
"""


def elements(pairs):
    return ", ".join(f"{key} : {value}" for key, value in pairs)


def none(_space, _queues):
    pass


def numgen(space, _queues):
    space.nft(f"""table ip bench {{
        chain translate {{
            type nat hook postrouting priority srcnat;
            tcp dport 25 snat to numgen inc mod {len(SOURCES)} map {{ {elements(enumerate(SOURCES))} }}
        }}
    }}
    """)


def iptables(space, _queues):
    """The script that everybody has: pick by statistic, remember in the ct mark, translate by mark."""
    match = ["-p", "tcp", "--dport", "25"]

    def rule(table, *words):
        space.exec("iptables-nft", "-t", table, "-A", *words)

    rule("mangle", "OUTPUT", *match, "-j", "CONNMARK", "--restore-mark")
    for left, (mark, _) in zip(range(len(SOURCES), 0, -1), PER_SOURCE):
        rule("mangle", "OUTPUT", *match, "-m", "conntrack", "--ctstate", "NEW", "-m", "mark", "--mark", "0",
             "-m", "statistic", "--mode", "nth", "--every", str(left), "--packet", "0",
             "-j", "MARK", "--set-mark", mark)
    rule("mangle", "OUTPUT", *match, "-j", "CONNMARK", "--save-mark")
    for mark, source in PER_SOURCE:
        rule("nat", "POSTROUTING", *match, "-m", "mark", "--mark", mark, "-j", "SNAT", "--to-source", source)


def start_echo(space, queues):
    space.start(space.host, [space.program("echo"), str(FIRST_QUEUE), str(queues), *MARKS], "ready")


def add_queue_rule(space, queues, *chain):
    # A kernel without nft's own `queue` expression has the xtables target; most have both.
    try:
        space.exec(space.program("queue_rule"), "add", *chain, str(FIRST_QUEUE), str(queues))
    except Exception:
        space.exec(space.program("queue_rule"), "--nft", "add", *chain, str(FIRST_QUEUE), str(queues))


def echo_bare(space, queues):
    space.nft(f"""table ip bench {{
        chain ask {{
        }}
        chain output {{
            type route hook output priority mangle;
            tcp dport 25 tcp flags & (fin | syn | rst | ack) == syn goto ask
        }}
        chain translate {{
            type nat hook postrouting priority srcnat;
            tcp dport 25 snat to meta mark map {{ {elements(PER_SOURCE)} }}
        }}
    }}
    """)
    start_echo(space, queues)
    add_queue_rule(space, queues, "ip", "bench", "ask")


def shield():
    """The daemon's second table: the guard once more, see daemon/table.c."""
    with open(RULES, encoding="ascii") as rules:
        text = rules.read()

    def part(kind, name):
        begin = text.index(f"\t{kind} {name} {{")
        return text[begin:text.index("\n\t}\n", begin) + 4]

    sets = "".join(part("set", name) for name in ("enforced", "clients4", "clients6", "exempt4", "exempt6", "ours4", "ours6"))
    chains = "".join(part("chain", name) for name in ("drop_wrong", "guarded", "guard"))
    return f"""table inet mxload_shield {{
    counter guarded {{
    }}
{sets}{chains.replace("type filter hook postrouting priority srcnat + 10", "type nat hook postrouting priority srcnat - 4")}}}
"""


def fill_table(space):
    """Our own tables, filled like the daemon fills them."""
    chains = "".join(f"""
        chain src_{k} {{
            meta mark set meta mark & $KEEP | {mark}
            ct mark set ct mark & $KEEP | {mark}
            accept
        }}""" for k, mark in enumerate(MARKS, 1))
    jumps = elements((mark, f"goto src_{k}") for k, mark in enumerate(MARKS, 1))
    space.nft(f"""{DEFINES}
    include "{RULES}"
    flush chain inet mxload steer
    table inet mxload {{{chains}
    }}
    add element inet mxload ports {{ 25 }}
    add element inet mxload enforced {{ 25 }}
    add element inet mxload ours4 {{ {", ".join(SOURCES)} }}
    add element inet mxload source4 {{ {elements(PER_SOURCE)} }}
    add element inet mxload bymark {{ {jumps} }}
    {shield()}
    add element inet mxload_shield enforced {{ 25 }}
    add element inet mxload_shield ours4 {{ {", ".join(SOURCES)} }}
    """)


def static_table(space, _queues):
    """The same, and the mark comes from a rule: what no engine can beat."""
    fill_table(space)
    space.nft(f"""add rule inet mxload decide meta mark set numgen inc mod {len(MARKS)} map {{ {elements(enumerate(MARKS))} }}""")


def echo_table(space, queues):
    fill_table(space)
    start_echo(space, queues)
    add_queue_rule(space, queues, "inet", "mxload", "decide")


def daemon_config(space, queues, flows, limits=False, engine="queue"):
    names = [f"mx{k}" for k in range(1, len(SOURCES) + 1)]
    # every kind of limit is in force, and none is reached
    most = '[ "1000000000 connections/hour", "1000000000 messages/day", "1000000000 connections/week" ]'
    own = f"limits = {most};" if limits else ""
    there = f"limits = {most}; total-limits = {most};" if limits else ""
    if limits and engine == "queue":  # the module leaves lanes to the queue whose open connections are counted
        there += " concurrency = 100000;"
    sources = "".join(f'    {n}: {{ address = "{a}"; {own} }};\n' for n, a in zip(names, SOURCES))
    members = "".join(f"{n} = 1; " for n in names)
    # the module decides for named providers alone
    named = f'near: {{ prefixes = [ "10.77.0.0/24" ]; {there} }};' if engine == "kmod" else ""
    return f"""mode = "enforce";
engine = "{engine}";
queues = {queues};
queue-first = {FIRST_QUEUE};
flow-accounting = {"true" if flows else "false"};
ledger = "{space.path("ledger.db")}";
control = "{space.path("control.sock")}";
sources: {{
{sources}}};
pools: {{ main: {{ members: {{ {members}}}; }}; }};
providers: {{ {named} default: {{ balance = "weighted"; {there} }}; }};
routes = ( {{ pool = "main"; }} );
"""


def start_daemon(space, queues, flows, limits=False, engine="queue"):
    config = space.path("mxload.conf")
    with open(config, "w") as out:
        out.write(daemon_config(space, queues, flows, limits, engine))
    space.start(space.host, [os.path.join(space.build, "mxloadd"), "-c", config, "-r", RULES], "ready: ")


def mxload(space, queues):
    start_daemon(space, queues, False)


def mxload_flows(space, queues):
    start_daemon(space, queues, True)


def mxload_limits(space, queues):
    start_daemon(space, queues, False, True)


def kmod(space, _queues):
    start_daemon(space, 1, False, engine="kmod")


def kmod_flows(space, _queues):
    start_daemon(space, 1, True, engine="kmod")


def kmod_limits(space, _queues):
    start_daemon(space, 1, False, True, engine="kmod")


# name: (set-up, does it have queues)
VARIANTS = {
    "none": (none, False),
    "numgen": (numgen, False),
    "iptables": (iptables, False),
    "static-table": (static_table, False),
    "echo-bare": (echo_bare, True),
    "echo-table": (echo_table, True),
    "mxload": (mxload, True),
    "mxload+flows": (mxload_flows, True),
    "mxload+limits": (mxload_limits, True),
    "kmod": (kmod, False),
    "kmod+flows": (kmod_flows, False),
    "kmod+limits": (kmod_limits, False),
}

# what is measured unless more is asked for
USUAL = [name for name in VARIANTS if not name.endswith("+limits")]


def missing(name, build):
    """Why this variant cannot be run, or None."""
    if name.startswith(("mxload", "kmod")) and not os.access(os.path.join(build, "mxloadd"), os.X_OK):
        return f"{build}/mxloadd is not built"
    if name.startswith("kmod") and not os.path.isdir("/sys/module/mxload"):
        return "the module mxload is not loaded: tests/bench/guest runs it in a guest"
    return None

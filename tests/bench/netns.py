# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair of network namespaces: a mail host, and an "internet" with a server at eight addresses."""

import json
import os
import select
import subprocess
import tempfile
import time

SOURCES = [f"10.77.0.{n}" for n in range(11, 19)]
TARGETS = [f"10.77.0.{n}" for n in range(101, 109)]
PORT = 25

# Every variant gets the same conntrack settings (accounting and events as mxload's rules set them), so that only the
# engine differs. 512 ports (the kernel takes the even ones first) to 8 addresses make 4,096 tuples, used again and
# again, and their entries do not expire: each new connection destroys the entry of an old one. So the table stays
# small, and each variant pays for its own DESTROY events in its own rounds, not in another's minutes later.
HOST_SYSCTLS = {
    "net.ipv4.ip_local_port_range": "20000 21023",
    "net.ipv4.tcp_syn_retries": "3",
    "net.netfilter.nf_conntrack_acct": "1",
    "net.netfilter.nf_conntrack_events": "1",
    "net.netfilter.nf_conntrack_tcp_timeout_close": "3600",
    "net.netfilter.nf_conntrack_tcp_timeout_time_wait": "3600",
}
INTERNET_SYSCTLS = {
    "net.core.somaxconn": "65535",
    "net.ipv4.tcp_max_syn_backlog": "65535",
    "net.ipv4.tcp_syncookies": "0",
}


class Failed(Exception):
    """Something could not be set up or did not run; the text says what."""


def wait_until(condition, what, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what}: nothing after {seconds} s")
        time.sleep(0.02)


def run(command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(command[:8])}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Client:
    """One that opens connections when asked to, so many in flight; with `processor`, there and nowhere else."""

    def __init__(self, space, in_flight, processor=None):
        pinned = [] if processor is None else ["taskset", "-c", str(processor)]
        self.program = subprocess.Popen(
            [*pinned, "ip", "netns", "exec", space.host, space.program("load"), "client", "--turns",
             "--in-flight", str(in_flight), "--to", ",".join(TARGETS), "--port", str(PORT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def measure(self, connections, seconds=120):
        try:
            self.program.stdin.write(f"{connections}\n")
            self.program.stdin.flush()
        except BrokenPipeError:
            pass  # why, it says below
        if not select.select([self.program.stdout], [], [], seconds)[0]:
            raise Failed(f"load client: nothing after {seconds} s")
        line = self.program.stdout.readline()
        if not line:
            raise Failed(f"load client: {self.program.stderr.read().strip()}")
        return json.loads(line)

    def close(self):
        self.program.kill()
        self.program.communicate()


class Namespaces:
    """The pair of one variant, with what runs in it. close() ends and removes everything."""

    def __init__(self, name, build):
        self.build = build
        self.host = f"mxb{os.getpid()}-{name}-h"
        self.internet = f"mxb{os.getpid()}-{name}-i"
        self.made = []
        self.programs = []
        self.clients = {}       # in flight: Client
        self.scratch = tempfile.TemporaryDirectory(prefix="mxb-")

    def open(self):
        for ns in (self.host, self.internet):
            run(["ip", "netns", "add", ns])
            self.made.append(ns)
        run(["ip", "-n", self.host, "link", "add", "v0", "type", "veth", "peer", "name", "v0", "netns", self.internet])
        self._sysctls(self.host, HOST_SYSCTLS)
        self._sysctls(self.internet, INTERNET_SYSCTLS)
        self._addresses(self.host, ["10.77.0.1"] + SOURCES)
        self._addresses(self.internet, TARGETS)
        self.start(self.internet, [self.program("load"), "server", *TARGETS, str(PORT)], "ready")

    @staticmethod
    def _sysctls(ns, values):
        assignments = [f"{name}={value}" for name, value in values.items()]
        run(["ip", "netns", "exec", ns, "sysctl", "-qw", *assignments])

    @staticmethod
    def _addresses(ns, addresses):
        lines = [f"address add {a}/24 dev v0" for a in addresses] + ["link set lo up", "link set v0 up"]
        run(["ip", "-n", ns, "-batch", "-"], "\n".join(lines) + "\n")

    def path(self, name):
        return os.path.join(self.scratch.name, name)

    def program(self, name):
        return os.path.join(self.build, "bench", name)

    def nft(self, text):
        run(["ip", "netns", "exec", self.host, "nft", "-f", "-"], text)

    def exec(self, *command):
        run(["ip", "netns", "exec", self.host, *command])

    def start(self, ns, command, ready):
        """Starts a program and waits until it has printed the word `ready`."""
        name = os.path.basename(command[0])
        log_path = self.path(name + ".log")
        with open(log_path, "w") as log:
            program = subprocess.Popen(["ip", "netns", "exec", ns, *command], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=subprocess.STDOUT)
        self.programs.append(program)

        def is_ready():
            with open(log_path) as log:
                text = log.read()
            if program.poll() is not None:
                raise Failed(f"{name} ended with status {program.returncode}: {text.strip()[-500:]}")
            return ready in text

        wait_until(is_ready, f"{name} to get ready")
        return program

    def client(self, in_flight, processor):
        if in_flight not in self.clients:
            self.clients[in_flight] = Client(self, in_flight, processor)
        return self.clients[in_flight]

    def check(self):
        for program in self.programs:
            if program.poll() is not None:
                raise Failed(f"{program.args[4]} ended with status {program.returncode}")

    def close(self):
        for client in self.clients.values():
            client.close()
        self.clients = {}
        for program in reversed(self.programs):
            if program.poll() is None:
                program.terminate()
        for program in self.programs:
            try:
                program.wait(5)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()
        for ns in self.made:
            subprocess.run(["ip", "netns", "del", ns], capture_output=True)
        self.made = []
        self.scratch.cleanup()

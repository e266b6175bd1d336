# SPDX-License-Identifier: MIT
"""Where the programs are, how they are started and ended, and what the kernel says of them."""

import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("WGPROXY_BENCH_BUILD", os.path.join(SOURCE, "build", "release"))
RIVALS = os.path.join(SOURCE, "build", "rivals", "bin")

FAR = "10.9.0.1"
NEAR = "10.9.0.2"


def program(name):
    return os.path.join(BUILD, "tests", "bench", f"bench-{name}")


WGPROXY = os.path.join(BUILD, "src", "wgproxy")


def find(name):
    """A contestant's program: $WGPROXY_BENCH_PATH first, then what tests/bench/install brought, then the system's."""
    return shutil.which(name, path=os.pathsep.join(
        [os.environ.get("WGPROXY_BENCH_PATH", ""), RIVALS, os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


def _set(key, value):
    try:
        with open(f"/proc/sys/net/{key}", "w") as f:
            f.write(value)
    except OSError:
        pass  # an older kernel, which has no such key for a namespace


FILES = 65536


def lift_file_limit():
    """Ten thousand connections are two sockets each in whoever proxies them by the kernel's TCP: as many files as that takes,
    or as are allowed."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (max(hard, FILES), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            return
        except (OSError, ValueError):  # root alone may ask for more than the hard limit
            continue


def furnish():
    """A network namespace that is new gets its loopback, a /run of its own for wireguard-go's sockets, and, so that those
    who go through the kernel's TCP do not run out of ports, more of them and TIME_WAIT ones again."""
    run("ip", "link", "set", "lo", "up")
    run("mount", "-t", "tmpfs", "none", "/run")
    os.makedirs("/run/wireguard", exist_ok=True)
    _set("ipv4/ip_local_port_range", "10000 65535")
    _set("ipv4/ip_local_reserved_ports", "51820-52001")
    _set("ipv4/tcp_tw_reuse", "1")


class Process:
    """A program in the background, ended with the bench at the latest."""

    def __init__(self, *command, ready=None, env=None, inside=None):
        self.log = tempfile.TemporaryFile(mode="w+")
        if inside is not None:
            command = ("nsenter", "-t", str(inside), "-n", "--", *command)
        self.child = subprocess.Popen(
            command, stdout=subprocess.PIPE if ready else self.log, stderr=self.log, stdin=subprocess.DEVNULL,
            text=True, env={**os.environ, **(env or {})})
        self.pid = self.child.pid
        if ready:
            line = self.child.stdout.readline()
            if ready not in line:
                raise RuntimeError(f"{command[0]} did not start: {line}{self.said()}")

    def said(self):
        self.log.seek(0)
        return self.log.read()[-2000:]

    def ended(self):
        return self.child.poll() is not None

    def stop(self):
        if not self.ended():
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        if self.child.stdout:
            self.child.stdout.close()
        self.log.close()


def cpu_seconds(pids):
    """Of all threads, ended ones too, to the nanosecond: the clock that clock_getcpuclockid(3) gives for a process."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def thread_seconds(pids):
    """CPU time by thread."""
    each = {}
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                each[task] = int(f.read().split()[0]) / 1e9
    return each


def status(pids, key):
    """The sum of a line of /proc/PID/status, over processes."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as f:
            total += next(int(line.split()[1]) for line in f if line.startswith(key + ":"))
    return total


def memory_is_short():
    """Less than a tenth of the machine's memory is left."""
    with open("/proc/meminfo") as f:
        lines = dict(line.split(":") for line in f)
    return int(lines["MemAvailable"].split()[0]) < int(lines["MemTotal"].split()[0]) // 10


def wakeups(pids):
    """How often any thread went to sleep by itself."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status") as f:
                total += next(int(line.split()[1]) for line in f if line.startswith("voluntary_ctxt_switches:"))
    return total


def load(kind, *arguments, patience):
    """The client's figures; it has `patience` seconds in all."""
    try:
        done = subprocess.run([program("load"), kind, *arguments], capture_output=True, text=True, timeout=patience)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{kind}: not over after {patience:.0f} s") from None
    if done.returncode != 0 or not done.stdout.strip():
        raise RuntimeError(f"{kind}: nothing came through {done.stdout.strip()}{done.stderr.strip()}")
    return json.loads(done.stdout)


def until(condition, what, patience=15.0):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not happen within {patience:.0f} s")
        time.sleep(0.005)

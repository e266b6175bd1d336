# SPDX-License-Identifier: MIT
"""Where the programs are, how they are started and ended, and what the kernel says of them."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("WGPROXY_BENCH_BUILD", os.path.join(SOURCE, "build", "release"))
TICK = os.sysconf("SC_CLK_TCK")

FAR = "10.9.0.1"
NEAR = "10.9.0.2"


def program(name):
    return os.path.join(BUILD, "tests", "bench", f"bench-{name}")


WGPROXY = os.path.join(BUILD, "src", "wgproxy")


def find(name):
    """A contestant's program: $WGPROXY_BENCH_PATH first, then what is installed."""
    return shutil.which(name, path=os.pathsep.join(
        [os.environ.get("WGPROXY_BENCH_PATH", ""), os.environ.get("PATH", ""), "/usr/sbin", "/sbin",
         os.path.join(SOURCE, "build", "rivals", "bin")]))


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, **more).stdout


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

    def stop(self):
        if self.child.poll() is None:
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
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def status(pids, key):
    """The sum of a line of /proc/PID/status, over processes."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as f:
            total += next(int(line.split()[1]) for line in f if line.startswith(key + ":"))
    return total


def wakeups(pids):
    """How often any thread went to sleep by itself."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/status") as f:
                total += next(int(line.split()[1]) for line in f if line.startswith("voluntary_ctxt_switches:"))
    return total


def load(kind, *arguments, timeout=180):
    done = subprocess.run([program("load"), kind, *arguments], capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0 or not done.stdout.strip():
        raise RuntimeError(f"load {kind} {' '.join(arguments)}: {done.stdout}{done.stderr or 'nothing came through'}")
    return json.loads(done.stdout)


def until(condition, what, patience=15.0):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not happen within {patience:.0f} s")
        time.sleep(0.005)

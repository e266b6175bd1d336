# SPDX-License-Identifier: MIT
"""What is measured. Each work gets a contestant that runs, and gives figures by name."""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from measure import place
from measure.place import load, program

GB = 1e9


class Work:
    quick = False
    rounds = None  # most; None: as many as are asked for
    launches = False  # begins with a contestant that is prepared only
    runs = True  # needs a contestant that runs
    together = False  # everybody at once, each in namespaces of its own
    members = None  # names; None: all

    def __init__(self, name, says, units):
        self.name, self.says, self.units = name, says, units

    def fits(self, contestant):
        if self.members is not None and contestant.name not in self.members:
            return False
        return self.name not in contestant.without and (contestant.only is None or self.name in contestant.only)


def bulk(c, kind, flows, seconds):
    """One transfer: what the client counted, and the proxy's CPU seconds."""
    before = place.cpu_seconds(c.measured)
    got = load(kind, *c.way(19 if kind == "down" else 9), "--flows", str(flows), "--seconds", str(seconds),
               patience=seconds + 90)
    got["cpu"] = place.cpu_seconds(c.measured) - before
    if got["failed"]:
        c.remarks.append(f"{got['failed']} of {flows} flows failed")
    return got


class Bulk(Work):
    def __init__(self, name, kind, flows, quick=False):
        super().__init__(name, f"Bulk {kind}, {flows} flow{'s' if flows > 1 else ''}",
                         {"cpu_s_per_gb": "CPU s/GB", "mbit_s": "Mbit/s"})
        self.kind, self.flows, self.quick = kind, flows, quick

    def run(self, c, seconds):
        got = bulk(c, self.kind, self.flows, seconds)
        return {"cpu_s_per_gb": got["cpu"] / (got["bytes"] / GB), "mbit_s": got["bytes"] * 8 / 1e6 / got["seconds"]}


class Check(Bulk):
    """The same against another implementation: the far end is what limits it, so one round is enough."""

    rounds = 1

    def __init__(self, name, kind):
        super().__init__(name, kind, 1)
        self.says += ", to wireguard-go"
        self.members = ("wgproxy to wireguard-go",)


class Workers(Bulk):
    """What each thread does: more cores carry at most what the busiest one lets through."""

    def __init__(self, name, kind):
        super().__init__(name, kind, 4)
        self.says += ", by helper threads"
        self.units = {**self.units, "busiest_s_per_gb": "busiest thread s/GB"}
        self.members = tuple(f"wgproxy, {n}" for n in ("0 workers", "1 worker", "2 workers"))

    def run(self, c, seconds):
        before = place.thread_seconds(c.measured)
        got = bulk(c, self.kind, self.flows, seconds)
        busiest = max(s - before.get(t, 0) for t, s in place.thread_seconds(c.measured).items())
        gb = got["bytes"] / GB
        return {"cpu_s_per_gb": got["cpu"] / gb, "mbit_s": gb * 8000 / got["seconds"], "busiest_s_per_gb": busiest / gb}


class Requests(Work):
    def __init__(self, name, kind, flows, says, seconds=None, quick=False, rounds=None):
        super().__init__(name, says, {"per_second": "1/s", "p50_us": "p50 µs", "p99_us": "p99 µs", "errors": "errors",
                                      "cpu_us": "CPU µs each"})
        self.kind, self.flows, self.seconds, self.quick, self.rounds = kind, flows, seconds, quick, rounds

    def run(self, c, seconds):
        seconds = self.seconds or seconds
        before = place.cpu_seconds(c.measured)
        got = load(self.kind, *c.way(80), "--flows", str(self.flows), "--seconds", str(seconds), patience=seconds + 60)
        got["cpu_us"] = 1e6 * (place.cpu_seconds(c.measured) - before) / got["n"]
        return {k: got[k] for k in self.units}


class Minute(Requests):
    """Long enough to run out of ports. For those whom a target names, and the ceiling: requests-new has everybody's rate."""

    members = ("wgproxy", "wireproxy", "tun+microsocks", "microsocks")

    def __init__(self):
        super().__init__("connects-minute", "requests-new", 32, "New connections for a minute, 32 at a time", seconds=60, rounds=1)


class Pings(Work):
    def __init__(self, name, loaded):
        super().__init__(name, f"Ping-pong of one byte{' beside a bulk download' if loaded else ''}",
                         {"p50_us": "p50 µs", "p99_us": "p99 µs"})
        self.loaded = loaded

    def run(self, c, seconds):
        transfer = None
        if self.loaded:
            transfer = subprocess.Popen([program("load"), "down", *c.way(19), "--seconds", str(seconds + 1)],
                                        stdout=subprocess.DEVNULL)
            time.sleep(0.5)
        try:
            got = load("pings", *c.way(7), "--seconds", str(seconds), patience=seconds + 60)
        finally:
            if transfer and transfer.wait() != 0:
                c.remarks.append("the transfer beside it failed")
        if got["errors"]:
            raise RuntimeError("a ping was not answered, or by another byte")
        return {k: got[k] for k in self.units}


class Datagrams(Work):
    def __init__(self, name, size):
        super().__init__(name, f"UDP echo, {size:,} bytes, 64 on their way",
                         {"per_second": "1/s", "cpu_us": "CPU µs each", "lost": "lost"})
        self.size = size

    def fits(self, contestant):
        return contestant.udp and super().fits(contestant)

    def run(self, c, seconds):
        before = place.cpu_seconds(c.measured)
        got = load("datagrams", *c.way_udp(7), "--size", str(self.size), "--seconds", str(seconds), patience=seconds + 30)
        got["cpu_us"] = 1e6 * (place.cpu_seconds(c.measured) - before) / got["n"]
        return {k: got[k] for k in self.units}


class Held:
    """Connections that are open and idle while it is entered; `open` says how many there are."""

    PATIENCE = 30

    def __init__(self, c, n, port=7):
        self.c, self.n, self.port, self.open = c, n, port, 0

    def __enter__(self):
        self.child = subprocess.Popen(
            [program("load"), "hold", *self.c.way(self.port), "--flows", str(self.n), "--seconds", str(self.PATIENCE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        end = time.monotonic() + self.PATIENCE + 25
        why = None
        while why is None and not select.select([self.child.stdout], [], [], 0.1)[0]:
            why = "memory ran out" if place.memory_is_short() else "it hung" if time.monotonic() > end else None
        if why is None:
            self.open = json.loads(self.child.stdout.readline() or '{"open": 0}')["open"]
            why = f"it held {self.open:,} of them within {self.PATIENCE} s" if self.open < self.n else None
        else:
            self.child.kill()
        if why:
            self.c.remarks.append(f"{self.n:,} idle connections: {why}")
        return self

    def __exit__(self, *exception):
        self.child.stdin.close()
        self.child.stdout.close()
        try:
            self.child.wait(30)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def enough(self):
        """A few less are as good: two files each may be a few more than the system allows."""
        return self.open >= 0.99 * self.n


class IdleMemory(Work):
    """Resident memory at rest, and with idle connections that have each carried a byte both ways."""

    rounds = 1

    def __init__(self):
        super().__init__("memory-idle", "Resident memory at rest", {
            "idle_kib": "KiB idle", "at_1k_kib": "KiB with 1,000 idle", "at_10k_kib": "KiB with 10,000 idle",
            "per_connection_b": "B per connection"})

    def run(self, c, seconds):
        idle = place.status(c.measured, "VmRSS")
        out = {"idle_kib": idle}
        for n, key in ((1000, "at_1k_kib"), (10000, "at_10k_kib")):
            with Held(c, n) as held:
                if not held.enough():
                    break
                time.sleep(0.5)
                out[key] = place.status(c.measured, "VmRSS")
                out["per_connection_b"] = (out[key] - idle) * 1024 / held.open
        return out


class LoadedMemory(Work):
    """The most that was resident under load, and what is left of it after a pause."""

    rounds = 1

    def __init__(self):
        super().__init__("memory-loaded", "Resident memory under load of 16 flows down, then up",
                         {"most_kib": "KiB at most", "after_kib": "KiB 3 s after"})

    def run(self, c, seconds):
        for kind in ("down", "up"):
            bulk(c, kind, 16, seconds)
        most = place.status(c.measured, "VmHWM")
        time.sleep(3)
        return {"most_kib": most, "after_kib": place.status(c.measured, "VmRSS")}


class Crowd(Work):
    """What a packet costs beside many connections: CPU per GB of one flow alone, of one flow beside 10,000 idle
    connections, and of 1,000 flows at once."""

    rounds = 3
    members = ("wgproxy", "wireproxy", "sing-box")

    def __init__(self):
        super().__init__("crowd", "One flow, beside 10,000 idle connections, and 1,000 flows", {
            "alone": "CPU s/GB alone", "beside_idle": "beside 10,000 idle", "busy": "1,000 at once",
            "idle_ratio": "beside/alone", "busy_ratio": "at once/alone"})

    @staticmethod
    def cost(c, flows, seconds):
        got = bulk(c, "down", flows, seconds)
        return got["cpu"] / (got["bytes"] / GB)

    def run(self, c, seconds):
        out = {"alone": self.cost(c, 1, seconds)}
        with Held(c, 10000) as held:
            if held.enough():
                out["beside_idle"] = self.cost(c, 1, seconds)
                out["idle_ratio"] = out["beside_idle"] / out["alone"]
        out["busy"] = self.cost(c, 1000, 2 * seconds)
        out["busy_ratio"] = out["busy"] / out["alone"]
        return out


class Stalled(Work):
    """Clients that do not read what their flows bring, beside four that do: what the others keep of their rate, and what it
    takes to hold."""

    rounds = 3
    members = ("wgproxy", "wireproxy", "sing-box")
    FLOWS = 16

    def __init__(self):
        super().__init__("stalled", f"Four flows, alone and beside {self.FLOWS} whose clients do not read", {
            "alone": "Mbit/s alone", "beside": "Mbit/s beside them", "ratio": "beside/alone", "rss_kib": "KiB resident"})

    @staticmethod
    def rate(c, seconds):
        got = bulk(c, "down", 4, seconds)
        return got["bytes"] * 8 / 1e6 / got["seconds"]

    def run(self, c, seconds):
        out = {"alone": self.rate(c, seconds)}
        with Held(c, self.FLOWS, port=19) as held:
            if not held.enough():
                raise RuntimeError("no stalled flows")
            out["beside"] = self.rate(c, seconds)
            out["rss_kib"] = place.status(c.measured, "VmRSS")
        out["ratio"] = out["beside"] / out["alone"]
        return out


class Start(Work):
    """From exec to the first byte that came back through the tunnel. The far end runs already."""

    quick = True
    launches = True

    def __init__(self):
        super().__init__("start", "Start to first proxied byte", {"ms": "ms"})

    def run(self, c, seconds):
        began = time.monotonic()
        c.launch()
        c.first_byte()
        return {"ms": 1000 * (time.monotonic() - began)}


class Idle(Work):
    """A minute in which nothing happens. Before it, what the handshake and the last byte leave to do gets its time: that is
    over after 10 s (the passive keepalive)."""

    together = True
    rounds = 1

    def __init__(self):
        super().__init__("idle", "Idle for a minute, no keepalive", {"wakeups": "wake-ups", "cpu_ms": "CPU ms"})

    def run(self, c, seconds):
        time.sleep(12)
        wakeups, cpu = place.wakeups(c.measured), place.cpu_seconds(c.measured)
        time.sleep(60)
        return {"wakeups": place.wakeups(c.measured) - wakeups, "cpu_ms": 1000 * (place.cpu_seconds(c.measured) - cpu)}


class Size(Work):
    """Of the programs, stripped alike, and of the libraries that they load beside the C library."""

    quick = True
    rounds = 1
    runs = False

    def __init__(self):
        super().__init__("size", "Size of the programs", {"program_kib": "KiB", "libraries_kib": "KiB of libraries"})

    @staticmethod
    def stripped(path):
        if not shutil.which("strip"):
            return os.path.getsize(path)
        with tempfile.NamedTemporaryFile() as copy:
            subprocess.run(["strip", "-o", copy.name, path], check=True, capture_output=True)
            return os.path.getsize(copy.name)

    @staticmethod
    def libraries(path):
        said = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
        found = (line.split("=>")[1].split()[0] for line in said.splitlines() if "=> /" in line)
        c_library = ("libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libresolv.so")
        return {os.path.realpath(f) for f in found if not os.path.basename(f).startswith(c_library)}

    def run(self, c, seconds):
        files = c.files()
        libraries = set().union(*(self.libraries(f) for f in files))
        return {"program_kib": sum(map(self.stripped, files)) / 1024,
                "libraries_kib": sum(map(os.path.getsize, libraries)) / 1024}

    def fits(self, contestant):
        return contestant.only is None


ALL = [
    Bulk("down", "down", 1, quick=True),
    Bulk("up", "up", 1, quick=True),
    Bulk("down16", "down", 16),
    Bulk("up16", "up", 16),
    Requests("requests-new", "requests-new", 8, "Small requests, each on a new connection, 8 at a time", quick=True),
    Requests("one-new", "requests-new", 1, "Small requests, each on a new connection, one at a time"),
    Requests("requests-kept", "requests-kept", 8, "Small requests on 8 kept connections"),
    Datagrams("udp64", 64),
    Datagrams("udp1200", 1200),
    Pings("ping", False),
    Pings("ping-loaded", True),
    Start(),
    Workers("workers-down", "down"),
    Workers("workers-up", "up"),
    Crowd(),
    Stalled(),
    IdleMemory(),
    LoadedMemory(),
    Minute(),
    Idle(),
    Size(),
    Check("check-down", "down"),
    Check("check-up", "up"),
]

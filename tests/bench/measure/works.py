# SPDX-License-Identifier: MIT
"""What is measured. Each work gets a contestant that runs, and gives figures by name."""

import json
import subprocess
import time

from measure import place
from measure.place import load, program

GB = 1e9


class Work:
    quick = False
    rounds = None  # None: as asked for

    def __init__(self, name, says, unit_of):
        self.name, self.says, self.units = name, says, unit_of

    def fits(self, contestant):
        return self.name not in contestant.without and (contestant.only is None or self.name in contestant.only)


class Bulk(Work):
    def __init__(self, name, kind, flows, quick=False):
        super().__init__(name, f"bulk {kind}, {flows} flow{'s' if flows > 1 else ''}",
                         {"cpu_s_per_gb": "CPU s/GB", "mbit_s": "Mbit/s"})
        self.kind, self.flows, self.quick = kind, flows, quick

    def run(self, c, seconds):
        before = place.cpu_seconds(c.measured)
        got = load(self.kind, *c.way(19 if self.kind == "down" else 9), "--flows", str(self.flows), "--seconds",
                   str(seconds))
        cpu = place.cpu_seconds(c.measured) - before
        return {"cpu_s_per_gb": cpu / (got["bytes"] / GB), "mbit_s": got["bytes"] * 8 / 1e6 / got["seconds"]}


class Requests(Work):
    def __init__(self, name, kind, flows, says, seconds=None, quick=False, rounds=None):
        super().__init__(name, says, {"per_second": "1/s", "p50_us": "p50 µs", "p99_us": "p99 µs", "errors": "errors"})
        self.kind, self.flows, self.seconds, self.quick, self.rounds = kind, flows, seconds, quick, rounds

    def run(self, c, seconds):
        got = load(self.kind, *c.way(80), "--flows", str(self.flows), "--seconds", str(self.seconds or seconds))
        return {k: got[k] for k in self.units}


class Pings(Work):
    def __init__(self, name, loaded):
        super().__init__(name, f"ping-pong of one byte{' under bulk load' if loaded else ''}",
                         {"p50_us": "p50 µs", "p99_us": "p99 µs"})
        self.loaded = loaded
        self.quick = True

    def run(self, c, seconds):
        bulk = None
        if self.loaded:
            bulk = subprocess.Popen([program("load"), "down", *c.way(19), "--seconds", str(seconds + 1)],
                                    stdout=subprocess.DEVNULL)
            time.sleep(0.5)
        try:
            got = load("pings", *c.way(7), "--seconds", str(seconds))
        finally:
            if bulk:
                bulk.wait()
        return {k: got[k] for k in self.units}


class Datagrams(Work):
    def __init__(self, name, size):
        super().__init__(name, f"UDP echo, {size} bytes, 64 on their way", {"per_second": "1/s", "cpu_us": "CPU µs each"})
        self.size = size

    def fits(self, contestant):
        return contestant.udp and super().fits(contestant)

    def run(self, c, seconds):
        before = place.cpu_seconds(c.measured)
        got = load("datagrams", *c.way_udp(7), "--size", str(self.size), "--seconds", str(seconds))
        return {"per_second": got["per_second"], "cpu_us": 1e6 * (place.cpu_seconds(c.measured) - before) / got["n"]}


class Memory(Work):
    """RSS at rest, with idle connections, and after work."""

    def __init__(self):
        super().__init__("memory", "resident memory", {
            "idle_kib": "KiB idle", "at_1k_kib": "KiB at 1k idle", "at_10k_kib": "KiB at 10k idle",
            "per_connection_b": "B each", "loaded_kib": "KiB peak under load", "after_kib": "KiB after"})
        self.rounds = 1

    def hold(self, c, n):
        child = subprocess.Popen([program("load"), "hold", *c.way(7), "--flows", str(n)], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        try:
            held = json.loads(child.stdout.readline())
            time.sleep(0.5)
            rss = place.status(c.measured, "VmRSS")
        finally:
            child.stdin.close()
            child.stdout.close()
            child.wait()
        return rss if held["open"] == n else None

    def run(self, c, seconds):
        out = {"idle_kib": place.status(c.measured, "VmRSS")}
        at_1k = self.hold(c, 1000)
        at_10k = self.hold(c, 10000)
        if at_1k is not None:
            out["at_1k_kib"] = at_1k
        if at_10k is not None:
            out["at_10k_kib"] = at_10k
            out["per_connection_b"] = (at_10k - out["idle_kib"]) * 1024 / 10000
        load("down", *c.way(19), "--flows", "16", "--seconds", str(seconds))
        load("up", *c.way(9), "--flows", "16", "--seconds", str(seconds))
        out["loaded_kib"] = place.status(c.measured, "VmHWM")
        time.sleep(2)
        out["after_kib"] = place.status(c.measured, "VmRSS")
        return out


class Start(Work):
    """From exec to the first byte that came back through the tunnel. The far end runs already."""

    quick = True
    launches = True

    def __init__(self):
        super().__init__("start", "start to first proxied byte", {"ms": "ms"})

    def run(self, c, seconds):
        began = time.monotonic()
        c.launch()
        load("first", *c.way(7), "--seconds", "15")
        return {"ms": 1000 * (time.monotonic() - began)}


class Idle(Work):
    def __init__(self):
        super().__init__("idle", "idle for 20 s, no keepalive", {"wakeups_per_minute": "wake-ups/min", "cpu_ms": "CPU ms"})
        self.rounds = 1

    def run(self, c, seconds):
        time.sleep(12)  # what the handshake and the last byte leave to do is over after 10 s (the passive keepalive)
        wakeups, cpu = place.wakeups(c.measured), place.cpu_seconds(c.measured)
        time.sleep(20)
        return {"wakeups_per_minute": 3 * (place.wakeups(c.measured) - wakeups),
                "cpu_ms": 1000 * (place.cpu_seconds(c.measured) - cpu)}


ALL = [
    Bulk("down", "down", 1, quick=True),
    Bulk("up", "up", 1, quick=True),
    Bulk("down16", "down", 16),
    Bulk("up16", "up", 16),
    Requests("requests-new", "requests-new", 8, "small requests, each on a new connection", quick=True),
    Requests("requests-kept", "requests-kept", 8, "small requests on kept connections"),
    Requests("one-new", "requests-new", 1, "one small request on a new connection at a time"),
    Requests("connects-minute", "requests-new", 32, "new connections for a minute", seconds=60, rounds=1),
    Datagrams("udp64", 64),
    Datagrams("udp1200", 1200),
    Pings("ping", False),
    Pings("ping-loaded", True),
    Memory(),
    Start(),
    Idle(),
]

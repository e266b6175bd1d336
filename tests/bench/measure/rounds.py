# SPDX-License-Identifier: MIT
"""The order of the work: for each figure and round, one contestant after the other."""

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time

from measure import contestants, place


FAILURES_MAX = 2  # of a figure; then it is left in peace, since a failure takes the longest


def _cpu_seconds_stolen():
    with open("/proc/stat") as f:
        fields = f.readline().split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK") if len(fields) > 8 else 0


def _machine():
    with open("/proc/cpuinfo") as f:
        models = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) // 1024
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        system = platform.system()
    return {"processor": models[0] if models else platform.machine(), "cores": os.cpu_count(), "memory_mib": memory,
            "kernel": platform.release(), "system": system}


def _settle(values):
    """Median and spread of what the rounds gave."""
    out = {}
    for key in dict.fromkeys(k for v in values for k in v):
        each = [v[key] for v in values if key in v]
        out[key] = {"median": statistics.median(each), "min": min(each), "max": max(each), "n": len(each)}
    return out


class Rounds:
    def __init__(self, everybody, figures, n_rounds, seconds):
        self.figures, self.n_rounds, self.seconds = figures, n_rounds, seconds
        self.missing = {c.name: why for c in everybody if (why := c.why_not())} | contestants.ABSENT
        self.here = [c for c in everybody if c.name not in self.missing]
        self.remarks = []

    def remark(self, work, name, text):
        line = f"{work.name}: {name}: {text}"
        if line not in self.remarks:
            self.remarks.append(line)
        print(f"bench: {line}", file=sys.stderr)

    def once(self, kind, work):
        """The figures of one contestant in one round, or None."""
        c = kind()
        try:
            if work.launches:
                c.prepare()
            elif work.runs:
                c.start()
            return work.run(c, self.seconds)
        except Exception as error:  # whatever it is, the others' figures are still wanted
            said = c.said()
            self.remark(work, c.name, f"FAILED: {error}{f' [{said}]' if said else ''}")
            return None
        finally:
            for remark in c.remarks:
                self.remark(work, c.name, remark)
            c.stop()

    def all_at_once(self, work, names):
        """Each in namespaces of its own, through a bench of its own."""
        command = [sys.executable, sys.argv[0], "--json", "--rounds", "1", "--measures", work.name, "--only"]
        environment = {k: v for k, v in os.environ.items() if k != "WGPROXY_BENCH_INSIDE"}
        environment["WGPROXY_BENCH_APART"] = "1"
        benches = {n: subprocess.Popen([*command, n], stdout=subprocess.PIPE, text=True, env=environment) for n in names}
        gathered = {}
        for name, bench in benches.items():
            said = bench.communicate()[0]
            result = json.loads(said) if said.strip() else {"remarks": [f"{work.name}: {name}: FAILED"], "figures": {}}
            self.remarks += result["remarks"]
            by = result["figures"].get(work.name, {"by": {}})["by"]
            if name in by:
                gathered[name] = by[name]
        return gathered

    def measure(self, work):
        fitting = [c for c in self.here if work.fits(c)]
        if work.together and "WGPROXY_BENCH_APART" not in os.environ:
            return self.all_at_once(work, [c.name for c in fitting])
        gathered = {c.name: [] for c in fitting}
        failures = dict.fromkeys(gathered, 0)
        for _ in range(min(self.n_rounds, work.rounds or self.n_rounds)):
            for c in fitting:
                if failures[c.name] == FAILURES_MAX:
                    continue
                got = self.once(c, work)
                if got is None:
                    failures[c.name] += 1
                else:
                    gathered[c.name].append(got)
        return {name: _settle(values) for name, values in gathered.items() if values}

    def versions(self):
        each = {}
        for c in self.here:
            try:
                each[c.name] = c.version()
            except (OSError, IndexError, subprocess.CalledProcessError):
                each[c.name] = "unknown"
        return each

    def run(self):
        began, stolen, load = time.monotonic(), _cpu_seconds_stolen(), os.getloadavg()[0]
        figures = {}
        for work in self.figures:
            at = time.monotonic()
            by = self.measure(work)
            if by:
                figures[work.name] = {"says": work.says, "units": work.units, "by": by}
            print(f"bench: {work.name}: {time.monotonic() - at:.0f} s", file=sys.stderr)
        took = time.monotonic() - began
        return {
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": {**_machine(), "load_before": load, "stolen": (_cpu_seconds_stolen() - stolen) / took},
            "rounds": self.n_rounds, "seconds": self.seconds, "took_s": round(took),
            "says": {c.name: c.says for c in self.here}, "versions": self.versions(),
            "missing": self.missing, "remarks": self.remarks, "figures": figures,
        }

# SPDX-License-Identifier: MIT
"""The order of the work: for each figure and round, one contestant after the other."""

import os
import platform
import statistics
import sys
import time

from measure import contestants, place


def _machine():
    with open("/proc/cpuinfo") as f:
        models = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    return {"processor": models[0] if models else platform.machine(), "cores": len(models),
            "kernel": platform.release(), "load_before": os.getloadavg()[0]}


def _settle(values):
    """Median and spread of what the rounds gave."""
    out = {}
    for key in values[0]:
        each = [v[key] for v in values if key in v]
        out[key] = {"median": statistics.median(each), "min": min(each), "max": max(each), "n": len(each)}
    return out


def _once(kind, work, seconds):
    c = kind()
    try:
        if getattr(work, "launches", False):
            c.prepare()
        else:
            c.start()
        return work.run(c, seconds)
    except Exception as error:
        said = " | ".join(p.said().strip().replace("\n", " / ")[-300:] for p in c.processes if p.said().strip())
        raise RuntimeError(f"{error} [{said}]") from error
    finally:
        c.stop()


def run(everybody, figures, n_rounds, seconds):
    place.run("ip", "link", "set", "lo", "up")
    place.run("mount", "-t", "tmpfs", "none", "/run")
    os.makedirs("/run/wireguard", exist_ok=True)
    missing = {c.name: c.why_not() for c in everybody if c.why_not()} | contestants.ABSENT
    here = [c for c in everybody if c.name not in missing]
    result = {"machine": _machine(), "rounds": n_rounds, "seconds": seconds, "missing": missing, "failures": [],
              "says": {c.name: c.says for c in here}, "figures": {}}
    version = place.run(place.WGPROXY, "--version")
    result["version"] = version.strip().splitlines()
    for work in figures:
        gathered = {}
        for n in range(min(n_rounds, work.rounds or n_rounds)):
            for c in here:
                if not work.fits(c):
                    continue
                began = time.monotonic()
                try:
                    got = _once(c, work, seconds)
                    gathered.setdefault(c.name, []).append(got)
                except Exception as error:
                    result["failures"].append(f"{work.name}: {c.name}: {error}")
                    print(f"bench: {work.name}: {c.name}: {error}", file=sys.stderr)
                print(f"bench: {work.name} {n + 1}: {c.name} {time.monotonic() - began:.1f} s", file=sys.stderr)
        result["figures"][work.name] = {"says": work.says, "units": work.units,
                                        "by": {name: _settle(v) for name, v in gathered.items()}}
    return result

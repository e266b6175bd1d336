# SPDX-License-Identifier: MIT
"""What came of it: a table for the terminal, and docs/performance.{json,md} with its plots."""

import json
import os

from measure import instructions, place, plot, targets

DOCS = os.path.join(place.SOURCE, "docs")
RESULT = os.path.join(DOCS, "performance.json")
PAGE = os.path.join(DOCS, "performance.md")
NOTES = os.path.join(DOCS, "performance-notes.md")

HOW = """\
Everything runs in namespaces of its own on one machine: the client and the services, both ends of the tunnel, and so two
cores carry them all. Every contestant does the same work in the same run, one after the other within each round. A figure is
the median over the rounds, in brackets the smallest and the largest. All tunnels have an MTU of 1420. Nothing is pinned to a core.

The far end of whoever speaks WireGuard is wgproxy's own in the role of a server with its services inside (`bench-far`), since
wireguard-go would be the bottleneck of every figure; once, as a check, wgproxy is measured against wireguard-go. OpenVPN's
far end is OpenVPN. CPU seconds are those of the proxy's processes alone, all threads, kernel time included. The client opens
blocking sockets, a thread for each flow. Bytes that go up count when the far end has taken them. Where kernel TCP opens
the connections, the namespace has 55,000 ports and uses those in TIME_WAIT again."""


def _number(v):
    return f"{v:,.0f}" if abs(v) >= 100 else f"{v:.3g}"


def _cell(figure, key):
    if key not in figure:
        return "-"
    f = figure[key]
    spread = f" ({_number(f['min'])}..{_number(f['max'])})" if f["n"] > 1 else ""
    return _number(f["median"]) + spread


def _rows(figure):
    units = figure["units"]
    return [["", *units.values()]] + [[c, *(_cell(by, k) for k in units)] for c, by in figure["by"].items()]


def _columns(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
            for row in rows]


def _judged(result):
    return [r for r in targets.judge(result) if r[3] != "not measured"]


def table(result):
    lines = []
    for figure in result["figures"].values():
        lines += ["", figure["says"], *_columns(_rows(figure))]
    judged = _judged(result)
    if judged:
        lines += ["", "Targets", *_columns([["", "target", "measured", ""], *map(list, judged)])]
    lines.append("")
    lines += [f"missing: {name}: {why}" for name, why in result["missing"].items()]
    lines += [f"remark: {remark}" for remark in result["remarks"]]
    return "\n".join(lines)


def _markdown(rows):
    head, *rest = rows
    return ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1),
            *("| " + " | ".join(row) + " |" for row in rest)]


def _machine(result):
    m = result["machine"]
    return (f"Measured {result['date']} on {m['processor']}, {m['cores']} cores, {m['memory_mib'] / 1024:.0f} GiB, Linux "
            f"{m['kernel']}, {m['system']}: {result['rounds']} round{'s' if result['rounds'] != 1 else ''} of "
            f"{result['seconds']:g} s per figure, {result['took_s'] / 60:.0f} minutes in all. The load average before was "
            f"{m['load_before']:.1f}, and the hypervisor took {100 * m['stolen']:.0f} % of a core.")


def _contestants(result):
    lines = ["## Contestants", "", *_markdown([["", "what it is", "version"], *(
        [name, says, result["versions"][name]] for name, says in result["says"].items())]), ""]
    lines += [f"Missing: {name}, since {why}." for name, why in result["missing"].items()]
    lines += ["", *(f"- {remark}" for remark in result["remarks"])] if result["remarks"] else []
    return lines + [""]


def _paper(result):
    rows = targets.on_paper(result)
    if not rows:
        return []
    cores = targets.CORES
    return ["## More cores, on paper", "",
            "Mbit/s that the measured shares allow when the proxy has so many cores to itself and nothing else limits it: the "
            "busiest thread cannot be divided, the rest can.", "",
            *_markdown([["", *(f"{n} cores" for n in cores)], *([says, *(_number(by[n]) for n in cores)]
                                                               for says, by in rows)]), ""]


def _instructions():
    kept = instructions.kept()
    if kept is None:
        return []
    parts = sorted({part for by in kept["by"].values() for part in by["parts"]})
    rows = [["", "in all", *parts]] + [[way, _number(by["total"]), *(_number(by["parts"].get(p, 0)) for p in parts)]
                                       for way, by in kept["by"].items()]
    return ["## Instructions per packet", "",
            "Of the whole path of one full packet, counted by callgrind on a fixed trace (`./dev.sh bench --instructions`), "
            "the AEAD library's own and the kernel's left out; acknowledgements are part of it.", "", *_markdown(rows), ""]


def _page(result, plots):
    lines = ["# Performance", "", "<!-- Written by ./dev.sh bench --write. What needs words is in performance-notes.md. -->", "",
             _machine(result), "", "## Targets", "",
             *_markdown([["", "target", "measured", ""], *map(list, targets.judge(result))]), ""]
    if os.path.exists(NOTES):
        lines += [f"What stands behind these, and why one is not met: [{os.path.basename(NOTES)}]({os.path.basename(NOTES)}).", ""]
    lines += ["## Plots", "", *(f"![{says}](performance/{name})\n" for name, says in plots)]
    lines += ["## How", "", HOW, "", *_contestants(result), "## Figures", ""]
    for figure in result["figures"].values():
        lines += [f"### {figure['says']}", "", *_markdown(_rows(figure)), ""]
    return "\n".join(lines + _paper(result) + _instructions()).rstrip() + "\n"


def rewrite(result):
    """The page and its plots."""
    plots = plot.write(result, os.path.join(DOCS, "performance"))
    with open(PAGE, "w") as f:
        f.write(_page(result, plots))


def write(result):
    with open(RESULT, "w") as f:
        json.dump(result, f, indent=1, ensure_ascii=False)
        f.write("\n")
    rewrite(result)


def last():
    with open(RESULT) as f:
        return json.load(f)

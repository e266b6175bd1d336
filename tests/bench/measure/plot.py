# SPDX-License-Identifier: MIT
"""Bars as SVG: one plot for each figure that is worth a look, dark on white, with the spread as a whisker."""

import os
from xml.sax.saxutils import escape

WIDTH, NAMES, VALUES = 760, 170, 110  # of the whole, of the names on the left, and of the values on the right
BAR, GAP, HEAD, FOOT = 14, 12, 58, 14
FAR_BEYOND = 8
SHADES = (("#0b6e4f", "#6fbf9b"), ("#4a5568", "#a9b4c2"))  # of wgproxy, of everybody else: first and second series

# file name, title, unit, [(figure, key, what the series is)], whether less is better
PLOTS = (
    ("cpu", "CPU seconds of the proxy per GB, one flow", "s/GB",
     (("down", "cpu_s_per_gb", "down"), ("up", "cpu_s_per_gb", "up")), True),
    ("goodput", "Goodput, one flow", "Mbit/s", (("down", "mbit_s", "down"), ("up", "mbit_s", "up")), False),
    ("goodput16", "Goodput, 16 flows", "Mbit/s", (("down16", "mbit_s", "down"), ("up16", "mbit_s", "up")), False),
    ("request", "A small request on a new connection, one at a time", "ms",
     (("one-new", "p50_us", "p50"), ("one-new", "p99_us", "p99")), True),
    ("requests", "Small requests, 8 at a time", "1/s",
     (("requests-new", "per_second", "on new connections"), ("requests-kept", "per_second", "on kept ones")), False),
    ("connects", "New connections per second, for a minute", "1/s", (("connects-minute", "per_second", ""),), False),
    ("datagrams", "UDP echo", "1/s", (("udp64", "per_second", "64 bytes"), ("udp1200", "per_second", "1,200 bytes")), False),
    ("ping", "Ping-pong of one byte, p50", "ms",
     (("ping", "p50_us", "alone"), ("ping-loaded", "p50_us", "beside a bulk download")), True),
    ("memory", "Resident memory", "MiB",
     (("memory-idle", "idle_kib", "idle"), ("memory-idle", "at_10k_kib", "with 10,000 idle connections")), True),
    ("start", "Start to first proxied byte", "ms", (("start", "ms", ""),), True),
)
SCALE = {"p50_us": 1e-3, "p99_us": 1e-3, "idle_kib": 1 / 1024, "at_10k_kib": 1 / 1024}


def _number(v):
    return f"{v:,.0f}" if v >= 100 else f"{v:.3g}"


def _text(x, y, text, size=12, anchor="start", weight="normal", colour="#1a202c"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
            f'fill="{colour}">{escape(text)}</text>')


def _values(result, series):
    """[(contestant, [(median, min, max) or None for each series])] of those that have any."""
    names = dict.fromkeys(n for figure, _, _ in series for n in result["figures"].get(figure, {"by": {}})["by"])
    rows = []
    for name in names:
        bars = []
        for figure, key, _ in series:
            got = result["figures"].get(figure, {"by": {}})["by"].get(name, {}).get(key)
            scale = SCALE.get(key, 1)
            bars.append(got and tuple(got[k] * scale for k in ("median", "min", "max")))
        if any(bars):
            rows.append((name, bars))
    return rows


def _axis_end(rows):
    """The largest value; but one that is far beyond all others would make dots of them, and is cut instead."""
    tops = sorted((v[2] for _, bars in rows for v in bars if v), reverse=True)
    while len(tops) > 1 and tops[0] > FAR_BEYOND * tops[1]:
        tops.pop(0)
    return tops[0] or 1


def _cut_bar(x0, y, value, colour):
    """It goes on beyond the axis: two strokes across its end."""
    end = WIDTH - VALUES
    return [f'<rect x="{x0}" y="{y}" width="{end - x0}" height="{BAR}" fill="{colour}"/>',
            f'<path d="M{end - 14} {y + BAR + 2}l6 {-BAR - 4}m4 0l-6 {BAR + 4}" stroke="#ffffff" stroke-width="2" fill="none"/>',
            _text(end + 6, y + BAR - 3, _number(value[0]))]


def _bar(x0, y, per_unit, value, colour):
    median, least, most = value
    end = x0 + median * per_unit
    if end > WIDTH - VALUES + 1:
        return _cut_bar(x0, y, value, colour)
    parts = [f'<rect x="{x0}" y="{y}" width="{max(1.0, median * per_unit):.1f}" height="{BAR}" fill="{colour}"/>']
    if most > least:
        a, b, mid = x0 + least * per_unit, x0 + most * per_unit, y + BAR / 2
        parts.append(f'<path d="M{a:.1f} {mid}H{b:.1f}M{a:.1f} {mid - 3}v6M{b:.1f} {mid - 3}v6" stroke="#1a202c" fill="none"/>')
        end = max(end, b)
    parts.append(_text(end + 6, y + BAR - 3, _number(median)))
    return parts


def _legend(series, y):
    parts, x = [], NAMES
    for i, (_, _, says) in enumerate(series):
        if says:
            parts += [f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{SHADES[0][i]}"/>',
                      f'<rect x="{x + 11}" y="{y - 9}" width="10" height="10" fill="{SHADES[1][i]}"/>',
                      _text(x + 27, y, says, 12)]
            x += 60 + 7 * len(says)
    return parts


def draw(result, title, unit, series, less):
    rows = _values(result, series)
    if not rows:
        return None
    per_unit = (WIDTH - NAMES - VALUES) / _axis_end(rows)
    parts, y = [], HEAD
    for name, bars in rows:
        ours = name.startswith("wgproxy")
        parts.append(_text(NAMES - 10, y + (BAR + 1) * len(bars) / 2 + 4, name, 12, "end", "bold" if ours else "normal"))
        for i, value in enumerate(bars):
            if value:
                parts += _bar(NAMES, y, per_unit, value, SHADES[0 if ours else 1][i])
            else:
                parts.append(_text(NAMES + 6, y + BAR - 3, "none", 11, colour="#718096"))
            y += BAR + 1
        y += GAP
    height = y + FOOT - GAP
    head = [_text(NAMES, 20, title, 15, weight="bold"),
            _text(WIDTH - 8, 20, f"{unit}, {'less' if less else 'more'} is better", 12, "end"), *_legend(series, 42),
            f'<path d="M{NAMES} {HEAD - 6}V{height - FOOT + 4}" stroke="#a0aec0"/>']
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
                      f'viewBox="0 0 {WIDTH} {height}" font-family="Helvetica, Arial, sans-serif">',
                      f"<title>{escape(title)}</title>",
                      f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>', *head, *parts, "</svg>"]) + "\n"


def write(result, folder):
    """The plots that the result has figures for: [(file name, what it shows)]."""
    os.makedirs(folder, exist_ok=True)
    written = []
    for name, title, unit, series, less in PLOTS:
        svg = draw(result, title, unit, series, less)
        if svg is not None:
            with open(os.path.join(folder, f"{name}.svg"), "w") as f:
                f.write(svg)
            written.append((f"{name}.svg", f"{title}, {unit}"))
    return written

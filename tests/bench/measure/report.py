# SPDX-License-Identifier: MIT
"""What came of it, as a table, and judged against the targets."""


def _number(v):
    return f"{v:,.0f}" if abs(v) >= 100 else f"{v:.3g}"


def _cell(figure, key):
    if key not in figure:
        return "-"
    f = figure[key]
    spread = f" ({_number(f['min'])}..{_number(f['max'])})" if f["n"] > 1 else ""
    return _number(f["median"]) + spread


def table(result):
    lines = []
    for name, figure in result["figures"].items():
        units = figure["units"]
        rows = [[c] + [_cell(by, k) for k in units] for c, by in figure["by"].items()]
        head = [name] + list(units.values())
        widths = [max(len(r[i]) for r in [head] + rows) for i in range(len(head))]
        lines.append(f"\n{figure['says']}")
        for row in [head] + rows:
            lines.append("  " + "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                                          for i, (cell, w) in enumerate(zip(row, widths))))
    for name, why in result["missing"].items():
        lines.append(f"missing: {name}: {why}")
    for failure in result["failures"]:
        lines.append(f"failed: {failure}")
    return "\n".join(lines)


def write(result):
    raise NotImplementedError

# SPDX-License-Identifier: MIT
"""What a full packet costs in instructions, by callgrind on a fixed trace (bench-trace), and whether that is more than it
was. The AEAD's library is left out: valgrind has no AVX-512, so that it would count a path that no such machine takes."""

import json
import os
import re
import subprocess
import sys
import tempfile

from measure import place

KEPT = os.path.join(place.SOURCE, "docs", "performance-instructions.json")
WAYS = ("down", "up")
PACKETS = 20000
MORE = 1.05  # fails

AEAD_OBJECTS = ("libsodium", "libIPSec_MB", "libcrypto")
# The first that is part of a source file's path. What the compiler inlines counts for where it was written; if that is a
# header of the system, for the function that it stands in.
PARTS = (("lwIP", "lwip"), ("wg", "src/wg/"), ("stack", "src/stack/"), ("proxy", "src/proxy/"), ("app", "src/app/"),
         ("base", "src/base/"))
WORLD = "tests/bench/"  # what stands for the system


def _part(obj, file, home):
    if any(name in os.path.basename(obj) for name in AEAD_OBJECTS):
        return "AEAD"
    if "bench-trace" not in obj:
        return "libc" if "libc" in os.path.basename(obj) else "libraries"
    for path in (file, home):
        if WORLD in path:
            return "world"
        for part, piece in PARTS:
            if piece in path:
                return part
    return "other"


class Profile:
    """Reads callgrind's format: the cost of each line by itself, summed by part."""

    POSITION = re.compile(r"(ob|fl|fi|fe|fn|cob|cfi|cfl|cfn)=\((\d+)\)(?: (.*))?$")

    def __init__(self, lines):
        self.names, self.at, self.parts = {}, {}, {}
        skip = False
        for line in lines:
            line = line.rstrip("\n")
            position = self.POSITION.match(line)
            if position:
                self.move(*position.groups())
            elif line.startswith("calls="):
                skip = True  # the next line is the callee's
            elif line[:1].isdigit() or line[:1] in "+-*":
                fields = line.split()
                if not skip and len(fields) > 1:  # no cost is written as nothing
                    self.add(int(fields[1]))
                skip = False

    def move(self, key, number, name):
        table = {"ob": "ob", "cob": "ob", "fn": "fn", "cfn": "fn"}.get(key, "fl")
        if name is not None:
            self.names[table, number] = name
        if key in ("ob", "fl", "fi", "fe"):
            self.at[table] = self.names[table, number]
        if key == "fl":
            self.at["home"] = self.at["fl"]

    def add(self, cost):
        part = _part(*(self.at.get(k, "") for k in ("ob", "fl", "home")))
        self.parts[part] = self.parts.get(part, 0) + cost


def _count(way):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        out = os.path.join(folder, "callgrind.out")
        said = place.run("valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=measured",
                         "--toggle-collect=uncounted", f"--callgrind-out-file={out}", place.program("trace"), way, str(PACKETS))
        packets = json.loads(said)["packets"]
        with open(out) as f:
            parts = Profile(f).parts
    parts.pop("world", None)
    aead = parts.pop("AEAD", 0)
    by = {part: round(cost / packets, 1) for part, cost in sorted(parts.items())}
    return {"total": round(sum(parts.values()) / packets, 1), "parts": by, "aead_under_valgrind": round(aead / packets)}


def kept():
    try:
        with open(KEPT) as f:
            return json.load(f)
    except FileNotFoundError:
        return None


def check(write):
    """Counts both ways, prints what came of it, and compares; the exit status."""
    before = kept()
    now = {"packets": PACKETS, "by": {way: _count(way) for way in WAYS}}
    worse = False
    for way, by in now["by"].items():
        old = before["by"][way]["total"] if before else None
        change = f", {100 * (by['total'] / old - 1):+.1f} % of the {old:,.0f} that are kept" if old else ""
        print(f"{way}: {by['total']:,.0f} instructions per packet{change}")
        print("  " + ", ".join(f"{part} {cost:,.0f}" for part, cost in by["parts"].items())
              + f"; not counted: the AEAD library's {by['aead_under_valgrind']:,}")
        worse |= bool(old) and by["total"] > MORE * old
    if write:
        with open(KEPT, "w") as f:
            json.dump(now, f, indent=1)
            f.write("\n")
        return 0
    if worse:
        print(f"bench: a packet costs over {100 * (MORE - 1):.0f} % more than {os.path.relpath(KEPT, place.SOURCE)} says; "
              "if that is as wanted, renew it with --instructions --write", file=sys.stderr)
    if before is None:
        print("bench: nothing is kept to compare with; --instructions --write keeps this", file=sys.stderr)
    return int(worse or before is None)

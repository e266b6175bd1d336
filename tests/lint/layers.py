#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does each file of src/ keep to its layer? Prints every line that does not.

usage: layers.py [SOURCE_TREE]
"""

import re
import sys
from pathlib import Path

MAX_LINES = 500

# What each module may include, besides itself and the C library.
MAY_INCLUDE = {
    "base": set(),
    "wg": {"base"},
    "stack": {"base"},
    "dns": {"base"},
    "proxy": {"base", "dns", "stack/stack.h", "stack/stack_tcp.h", "stack/stack_udp.h"},
    "config": {"base"},
    "control": {"base"},
    "io": {"base"},
    "app": {"base", "wg", "stack", "dns", "proxy", "config", "control"},
    "cmd": {"base", "wg", "stack", "dns", "proxy", "config", "control", "io", "app"},
}

# Foreign headers, and the only places that may see them.
FOREIGN = [
    (re.compile(r"uv\.h|uv/"), ["io/"]),
    (re.compile(r"lwip/|netif/"), ["stack/"]),
    (re.compile(r"sodium\.h|sodium/|blake2\.h"), ["wg/suite", "cmd/", "main.c"]),
    (re.compile(r"intel-ipsec-mb\.h"), ["wg/suite_ipsec_mb.c"]),
    (re.compile(r"openssl/"), ["io/tls_"]),
    (re.compile(r"(pthread|threads|stdatomic)\.h"), ["io/", "stack/instance.c"]),
    (re.compile(r"ares\w*\.h"), ["dns/"]),
    (re.compile(r"ini\.h"), ["config/"]),
    (re.compile(r"sys/(socket|un|epoll|random)\.h|netinet/|netdb\.h|poll\.h"),
     ["io/", "cmd/", "main.c"]),
]

# Time comes as `struct now`, chance as `struct rng`: only the outermost ask the machine.
OUTERMOST = ("io/", "cmd/", "main.c")
ASKS_THE_MACHINE = re.compile(
    r"\b(clock_gettime|clock|gettimeofday|time|timespec_get|uv_hrtime|uv_now|nanosleep|usleep|sleep"
    r"|getrandom|getentropy|arc4random\w*|randombytes_\w+|rand|random|srand|srandom|drand48)\s*\("
)

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def blank(match):
    """Nothing but the line ends of what matched, so that line numbers stay."""
    return "\n" * match.group().count("\n")


def module_of(name):
    return name.split("/")[0] if "/" in name else "cmd"


def include_complaint(name, included):
    module = module_of(name)
    target = included.split("/")[0]
    if target in MAY_INCLUDE and "/" in included:
        allowed = MAY_INCLUDE.get(module, set()) | {module}
        if target not in allowed and included not in allowed:
            return f"{module} may not include {included}"
        return None
    for pattern, places in FOREIGN:
        if pattern.match(included) and not any(name.startswith(place) for place in places):
            return f"{included} belongs to {', '.join(places)} only"
    return None


def complaints(name, text):
    """Yield (line, complaint) for the file src/<name>."""
    lines = text.split("\n")
    if not lines[0].startswith("/* SPDX-License-Identifier: MIT */"):
        yield 1, "the first line is not the SPDX line"
    if len(lines) - 1 > MAX_LINES:
        yield MAX_LINES, f"{len(lines) - 1} lines: more than {MAX_LINES}"
    if module_of(name) not in MAY_INCLUDE:
        yield 1, f"{module_of(name)} is no module that this test knows"
    for number, line in enumerate(lines, 1):
        included = INCLUDE.match(line)
        complaint = included and include_complaint(name, included.group(1))
        if complaint:
            yield number, complaint
    if not name.startswith(OUTERMOST):
        code = COMMENT_OR_STRING.sub(blank, text)
        for number, line in enumerate(code.split("\n"), 1):
            call = ASKS_THE_MACHINE.search(line)
            if call:
                yield number, f"{call.group(1)}() is called below io"


def main():
    source = Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "src"
    files = sorted(p for p in source.rglob("*") if p.suffix in (".c", ".h"))
    found = 0
    for path in files:
        for line, complaint in complaints(str(path.relative_to(source)), path.read_text()):
            print(f"{path}:{line}: {complaint}")
            found += 1
    print(f"{len(files)} files, {found} complaints")
    sys.exit(1 if found or not files else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does docs/protocol.md name only what there is? Prints every row that does not.

usage: protocol.py [SOURCE_TREE]

A row's last cell names tests, as `file: test, test; file: test`: of tests/unit/wg/test_<file>.c, or with a directory,
of tests/unit/<directory>/, tests/sim/ or tests/interop/; "all" for a whole file. The cell before names functions and
files of src/.
"""

import re
import sys
from pathlib import Path

TEST_FILES = ("tests/unit/{}/test_{}.c", "tests/{}/test_{}.c", "tests/{}/test_{}.py")


def rows(text):
    """The cells of every row of every table that has tests, with the line's number."""
    has_tests = False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            has_tests = False
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[-1] == "test":
            has_tests = True
        elif has_tests and set(cells[0]) != {"-"}:
            yield number, cells


def test_file(tree, name):
    directory, _, stem = name.rpartition("/")
    paths = [tree / pattern.format(directory or "wg", stem) for pattern in TEST_FILES]
    return next((path for path in paths if path.exists()), None)


def has_test(path, test):
    """Defined, and in C among those that run."""
    text = path.read_text()
    if path.suffix == ".py":
        return f"def test_{test}(" in text
    return f"static void {test}(" in text and len(re.findall(rf"\b{re.escape(test)}\b", text)) > 1


def test_complaints(tree, cell, earlier):
    if not cell:
        yield "no test"
    if cell == "the same":
        cell = earlier
    for part in cell.split("; "):
        name, _, tests = part.partition(": ")
        path = test_file(tree, name)
        if path is None:
            yield f"there is no test file {name!r}"
            continue
        for test in tests.split(", "):
            if test != "all" and not has_test(path, test):
                yield f"{name}: there is no test {test!r}"


def function_complaints(tree, cell):
    sources = list((tree / "src").rglob("*.[ch]"))
    for name in re.findall(r"`([^`]+)`", cell):
        pattern = re.compile(rf"^[^\s#/*].*\b{re.escape(name)}\(", re.M)
        if re.search(r"\.[ch]$", name):
            if not list((tree / "src").glob(f"*/{name}")):
                yield f"there is no file {name!r}"
        elif not any(pattern.search(source.read_text()) for source in sources):
            yield f"there is no function {name!r}"


def complaints(tree, text):
    earlier = ""
    for number, cells in rows(text):
        for complaint in test_complaints(tree, cells[-1], earlier):
            yield number, complaint
        earlier = cells[-1]
        if len(cells) == 4:
            for complaint in function_complaints(tree, cells[-2]):
                yield number, complaint


def main(tree="."):
    path = Path(tree) / "docs/protocol.md"
    found = list(complaints(Path(tree), path.read_text()))
    for number, complaint in found:
        print(f"{path}:{number}: {complaint}")
    return len(found) > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

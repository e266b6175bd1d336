#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual tells of the same options, commands, sections and keys as --help and the example.

What the other documents and files show of options, keys and exit statuses is there, too.

usage: check_manual.py WGPROXY MANUAL EXAMPLE [DOCUMENT]...
"""
import re
import shutil
import subprocess
import sys


def section(manual, name):
    """The text of one `# NAME` section of the manual."""
    return re.search(rf"^# {name}$(.*?)(?=^# |\Z)", manual, re.M | re.S).group(1)


def options_of_help(text):
    """{"--config": ("-c", "FILE")} from lines such as "  -c, --config FILE   words"."""
    found = re.findall(r"^  (?:(-\w),|   ) (--[\w-]+)(?: (\S+))?  +\S", text, re.M)
    return {name: (letter, argument) for letter, name, argument in found}


def options_of_manual(text):
    """The same from lines such as "*-c*, *--config* _FILE_"."""
    found = re.findall(r"^(?:\*(-\w)\*, )?\*(--[\w-]+)\*(?: (\S+))?$", text, re.M)
    return {name: (letter, argument.replace("_", "")) for letter, name, argument in found}


def commands_of_help(text):
    lines = re.search(r"^Commands:\n(.*?)\n\n", text, re.M | re.S).group(1)
    return set(re.findall(r"\w+", " ".join(re.findall(r"^  (\w[\w, ]*?)  ", lines, re.M))))


def commands_of_manual(text):
    return set(re.findall(r"\*(\w+)\*", " ".join(re.findall(r"^\*\w.*$", text, re.M))))


def keys_of_manual(text):
    return set(re.findall(r"^\*(\w+)\* = ", text, re.M))


def keys_of_example(text):
    return set(re.findall(r"^#?(\w+) = ", text, re.M))


def sections_of_manual(text):
    return set(re.findall(r"\*\[(\w+)\]\*", text)) | set(re.findall(r"^## \[(\w+)\]$", text, re.M))


def sections_of_example(text):
    return set(re.findall(r"^(?:# )?\[(\w+)\]$", text, re.M))


def statuses_of_help(text):
    return set(re.findall(r"\b(\d+) [a-z]", text[text.index("Exit status:"):]))


def statuses_of_manual(text):
    return {n for line in re.findall(r"^\*\d.*$", text, re.M) for n in re.findall(r"\*(\d+)\*", line)}


def options_shown(text):
    """Those on each command line of ours, up to the end of it or to a command of its own."""
    lines = re.findall(r"(?<!-t )\bwgproxy(?: check| demo)?((?: +[^\s`'\"|#&;,()<]+)+)", text)
    words = [word for line in lines for word in line.split(" -- ")[0].split()]
    return {word for word in words if re.fullmatch(r"--?[A-Za-z][\w-]*", word)}


def keys_shown(text):
    """Those in lines of their own, and in `Key = value`."""
    return set(re.findall(r"(?:^    |`)([A-Z]\w+) = ", text, re.M))


def check_document(path, text, options, keys):
    for what, shown, known in (("options", options_shown(text), options), ("keys", keys_shown(text), keys)):
        if not shown <= known:
            sys.exit(f"{path} has {what} that there are not: {' '.join(sorted(shown - known))}")


def compare(what, here, there):
    if not here:
        sys.exit(f"no {what} found: the form of the texts has changed")
    if here != there:
        sys.exit(f"{what} differ:\n  {here}\n  {there}")


def main():
    program, manual_path, example_path, *documents = sys.argv[1:]
    shown = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    with open(manual_path, encoding="utf-8") as file:
        manual = file.read()
    with open(example_path, encoding="utf-8") as file:
        example = file.read()

    compare("options", options_of_help(shown), options_of_manual(section(manual, "OPTIONS")))
    compare("commands", commands_of_help(shown), commands_of_manual(section(manual, "COMMANDS")))
    compare("sections", sections_of_example(example),
            sections_of_manual(section(manual, "CONFIGURATION")))
    compare("keys", keys_of_example(example), keys_of_manual(section(manual, "CONFIGURATION")))
    statuses = statuses_of_manual(section(manual, "EXIT STATUS"))
    compare("exit statuses", statuses_of_help(shown), statuses - {"126", "127"})  # the command's own

    options = {word for name, (letter, _) in options_of_help(shown).items() for word in (letter, name) if word}
    keys = keys_of_manual(section(manual, "CONFIGURATION")) | {"WGConfig"}
    for path in documents:
        with open(path, encoding="utf-8") as file:
            check_document(path, file.read(), options, keys)
    if shutil.which("scdoc"):
        subprocess.run(["scdoc"], input=manual, text=True, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

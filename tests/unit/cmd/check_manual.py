#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual tells of the same options, commands, sections and keys as --help and the example.

usage: check_manual.py WGPROXY MANUAL EXAMPLE
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


def compare(what, here, there):
    if not here:
        sys.exit(f"no {what} found: the form of the texts has changed")
    if here != there:
        sys.exit(f"{what} differ:\n  {here}\n  {there}")


def main():
    program, manual_path, example_path = sys.argv[1:]
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
    if shutil.which("scdoc"):
        subprocess.run(["scdoc"], input=manual, text=True, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--aead chooses what --version tells of, and what cannot be had is one line and exit status 2.

usage: check_aead.py WGPROXY
"""
import re
import subprocess
import sys


def version(program, *options):
    return subprocess.run([program, *options, "--version"], capture_output=True, text=True, check=False)


def aead_of(done):
    return re.search(r"AEAD: ([\w-]+)\)\n$", done.stdout).group(1)


def refused(done, *words):
    lines = done.stderr.splitlines()
    assert done.returncode == 2 and done.stdout == "" and len(lines) == 1, done
    assert any(word in lines[0] for word in words), lines


def main():
    program = sys.argv[1]
    assert aead_of(version(program, "--aead", "libsodium")) == "libsodium"
    refused(version(program, "--aead", "aes"), 'wgproxy: --aead "aes": is none of ipsec-mb, ')
    refused(version(program, "--aead", ""), 'wgproxy: --aead "": is none of ipsec-mb, ')

    usual = aead_of(version(program))
    found = ["libsodium"]
    for name in ("ipsec-mb-avx2", "ipsec-mb-avx512"):
        done = version(program, "--aead", name)
        if done.returncode == 0:
            assert aead_of(done) == name
            found.append(name)
        else:
            refused(done, "this processor has no AVX", "built without intel-ipsec-mb")
    assert usual == found[-1], (usual, found)  # the fastest that runs

    either = version(program, "--aead", "ipsec-mb")
    if usual == "libsodium":
        refused(either, "this processor has no AVX", "built without intel-ipsec-mb")
    else:
        assert aead_of(either) == usual


main()

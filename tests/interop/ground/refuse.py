# SPDX-License-Identifier: MIT
"""Run a program on a system that refuses some socket options, as an old kernel or a sandbox does.

  refuse.py gso,gro,buffers COMMAND...

setsockopt() of them fails with ENOPROTOOPT, by a seccomp filter that the program cannot shed."""

import ctypes
import errno
import os
import platform
import struct
import sys

SOL_SOCKET, SOL_UDP = 1, 17
OPTIONS = {
    "gso": [(SOL_UDP, 103)],
    "gro": [(SOL_UDP, 104)],
    "buffers": [(SOL_SOCKET, 7), (SOL_SOCKET, 8), (SOL_SOCKET, 32), (SOL_SOCKET, 33)],
}
SETSOCKOPT = {"x86_64": 54, "aarch64": 208}

LOAD, EQUALS, RETURN = 0x20, 0x15, 0x06  # classic BPF: ld [k], jeq #k, ret #k
NUMBER, LEVEL, OPTION = 0, 24, 32  # in struct seccomp_data
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.ENOPROTOOPT
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2


def instructions(number, options):
    yield LOAD, 0, 0, NUMBER
    yield EQUALS, 0, 5 * len(options), number
    for level, option in options:
        yield LOAD, 0, 0, LEVEL
        yield EQUALS, 0, 3, level
        yield LOAD, 0, 0, OPTION
        yield EQUALS, 0, 1, option
        yield RETURN, 0, 0, REFUSE
    yield RETURN, 0, 0, ALLOW


def refuse(options):
    steps = list(instructions(SETSOCKOPT[platform.machine()], options))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *s) for s in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, MODE_FILTER, program, 0, 0)):
        if prctl(*arguments) != 0:
            sys.exit(f"refuse.py: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    refuse([o for name in sys.argv[1].split(",") for o in OPTIONS[name]])
    os.execvp(sys.argv[2], sys.argv[2:])

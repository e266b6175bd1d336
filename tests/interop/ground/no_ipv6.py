# SPDX-License-Identifier: MIT
"""Runs a program as on a machine whose kernel has no IPv6: a socket for it fails with EAFNOSUPPORT (seccomp(2))."""

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO = 0x7fff0000, 0x00050000
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, FIRST_ARGUMENT = 0, 16  # of struct seccomp_data
SYS_SOCKET = {"x86_64": 41, "aarch64": 198}


class Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def instruction(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)


def refuse_ipv6():
    filtered = (
        instruction(LOAD_WORD, NUMBER)
        + instruction(JUMP_IF_EQUAL, SYS_SOCKET[platform.machine()], 0, 3)
        + instruction(LOAD_WORD, FIRST_ARGUMENT)
        + instruction(JUMP_IF_EQUAL, socket.AF_INET6, 0, 1)
        + instruction(RETURN, SECCOMP_RET_ERRNO | errno.EAFNOSUPPORT)
        + instruction(RETURN, SECCOMP_RET_ALLOW)
    )
    program = Program(len(filtered) // 8, filtered)
    if ctypes.CDLL(None, use_errno=True).prctl(
            PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program)) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


if __name__ == "__main__":
    refuse_ipv6()
    os.execvp(sys.argv[1], sys.argv[1:])

# SPDX-License-Identifier: MIT
"""Handshake initiations from nobody: only mac1 is right, and mac1 needs no secret.

Whoever gets them has to compute a Diffie-Hellman result for each before it knows, which
is what cookies are for (paper 5.3).
"""

import base64
import contextlib
import hashlib
import os
import socket
import struct
import threading

from .capture import COOKIE

MAC1_AT = 116
LOADED_WITHIN = 60


def initiation(public):
    """148 bytes with a correct mac1 for the owner of this key, and noise for the rest."""
    label_hash = hashlib.blake2s(b"mac1----" + base64.b64decode(public)).digest()
    body = struct.pack("<II", 1, 1) + os.urandom(MAC1_AT - 8)
    mac1 = hashlib.blake2s(body, key=label_hash, digest_size=16).digest()
    return body + mac1 + bytes(16)


@contextlib.contextmanager
def under(network, public, source, target, *, burst=1200, pause=0.25):
    """Bursts of initiations go from one address to another; it is under load at the begin."""
    messages = [initiation(public) for _ in range(burst)]
    stop = threading.Event()
    with network.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((source, 0))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)

        def run():
            while not stop.is_set():
                for message in messages:
                    with contextlib.suppress(OSError):
                        s.sendto(message, target)
                stop.wait(pause)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            s.settimeout(LOADED_WITHIN)
            while s.recv(2048)[0] != COOKIE:
                pass
            yield
        finally:
            stop.set()
            thread.join(10)

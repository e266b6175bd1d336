# SPDX-License-Identifier: MIT
"""Bodies of any size that both ends can make and check without storing them.

A body is a row of 64 KiB chunks of the same seeded noise, each stamped with its own
number, so that a chunk lost, doubled, moved or damaged changes the checksum.
"""

import functools
import hashlib

CHUNK = 64 * 1024
KIB = 1024
MIB = 1024 * 1024


@functools.lru_cache(maxsize=64)
def _noise(seed):
    return hashlib.shake_256(f"wgproxy ground {seed}".encode()).digest(CHUNK)


def chunks(size, seed=0):
    noise = memoryview(_noise(seed))
    for number in range((size + CHUNK - 1) // CHUNK):
        chunk = number.to_bytes(8, "big") + noise[8:]
        yield chunk[: size - number * CHUNK]


def make(size, seed=0):
    return b"".join(chunks(size, seed))


@functools.lru_cache(maxsize=512)
def checksum(size, seed=0):
    h = hashlib.sha256()
    for chunk in chunks(size, seed):
        h.update(chunk)
    return h.hexdigest()

# SPDX-License-Identifier: MIT
"""Records the first bytes of every frame on one interface into a pcap file.

    python -m ground.recorder INTERFACE FILE

Runs as a program of its own, so that a busy test cannot make it late. Frames arrive
through a ring that is mapped into memory; `lost N` is printed if that ever overflows.
It stops when it sees a frame of END, which the test sends as the last one: so nothing
before that frame can have been missed.
"""

import mmap
import select
import socket
import struct
import sys

SNAPLEN = 128
FRAME = 256  # a ring slot: the kernel's header and SNAPLEN bytes of the frame
FRAMES = 1 << 17
BLOCK = 1 << 18

SOL_PACKET = 263
PACKET_RX_RING = 5
PACKET_STATISTICS = 6
PACKET_VERSION = 10
TPACKET_V2 = 1
ETH_P_ALL = 3
TP_STATUS_USER = 1

# struct tpacket2_hdr: status, len, snaplen, mac, net, sec, nsec
HEADER = struct.Struct("=IIIHHII")
RECORD = struct.Struct("=IIII")

# Ethernet type for local experiments (IEEE 802, annex): no one else sends it.
MARKER_TYPE = b"\x88\xb5"
END = b"wgproxy ground: capture ends"


def marker(text):
    return b"\xff" * 6 + b"\x02\0\0\0\0\x01" + MARKER_TYPE + text.ljust(46, b"\0")


def open_ring(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
    ring = struct.pack("=IIII", BLOCK, FRAMES * FRAME // BLOCK, FRAME, FRAMES)
    s.setsockopt(SOL_PACKET, PACKET_RX_RING, ring)
    memory = mmap.mmap(s.fileno(), FRAMES * FRAME)
    s.bind((interface, ETH_P_ALL))
    return s, memory


def frames(s, memory):
    """Yield (seconds, nanoseconds, length on the wire, first bytes) without end."""
    poll = select.poll()
    poll.register(s, select.POLLIN)
    at = 0
    while True:
        status, length, snap, mac, _, sec, nsec = HEADER.unpack_from(memory, at)
        if not status & TP_STATUS_USER:
            if poll.poll()[0][1] & select.POLLERR:
                s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # its link is down
            continue
        start = at + mac
        yield sec, nsec, length, memory[start : start + min(snap, SNAPLEN)]
        memory[at : at + 4] = b"\0\0\0\0"  # back to the kernel
        at = (at + FRAME) % (FRAMES * FRAME)


def lost(s):
    return struct.unpack("=II", s.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]


def main(interface, path):
    s, memory = open_ring(interface)
    end = marker(END)
    with open(path, "wb") as out:
        # Nanosecond pcap, Ethernet.
        out.write(struct.pack("=IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, SNAPLEN, 1))
        print("recording", flush=True)
        for sec, nsec, length, head in frames(s, memory):
            if head == end:
                break
            out.write(RECORD.pack(sec, nsec, len(head), length) + head)
    print(f"lost {lost(s)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

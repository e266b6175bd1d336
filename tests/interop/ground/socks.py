# SPDX-License-Identifier: MIT
"""A SOCKS5 client that shows each byte of the answer (RFC 1928)."""

import ipaddress
import socket
import struct
from dataclasses import dataclass

SUCCEEDED = 0
NOT_ALLOWED = 2
NETWORK_UNREACHABLE = 3
HOST_UNREACHABLE = 4
REFUSED = 5
TIMED_OUT = 6  # "TTL expired"
COMMAND_NOT_SUPPORTED = 7

IPV4, NAME, IPV6 = 1, 3, 4


@dataclass(frozen=True)
class Reply:
    code: int
    address: str
    port: int
    raw: bytes


def exactly(s, size):
    """So many bytes. MSG_WAITALL does not wait where a socket has a time limit."""
    data = b""
    while len(data) < size:
        piece = s.recv(size - len(data))
        if not piece:
            raise ConnectionError(f"end of stream after {data.hex(' ')}")
        data += piece
    return data


def destination(host, port):
    """ATYP, address and port: an address goes as one, anything else as a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna") if not host.isascii() else host.encode()
        return bytes([NAME, len(name)]) + name + struct.pack("!H", port)
    kind = IPV4 if address.version == 4 else IPV6
    return bytes([kind]) + address.packed + struct.pack("!H", port)


def read_reply(s):
    head = exactly(s, 4)
    assert head[0] == 5 and head[2] == 0, f"not a SOCKS5 reply: {head.hex(' ')}"
    # RFC 1928 allows a name here, but no client understands one: it must be an address.
    size = {IPV4: 4, IPV6: 16}[head[3]]
    rest = exactly(s, size + 2)
    address = str(ipaddress.ip_address(rest[:size]))
    return Reply(head[1], address, struct.unpack("!H", rest[size:])[0], head + rest)


def request(network, proxy, host, port, *, command=1, timeout=30.0):
    """Ask for one connection; returns the socket and the whole reply."""
    s = network.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        s.settimeout(timeout)
        s.connect(proxy)
        s.sendall(b"\x05\x01\x00")
        choice = exactly(s, 2)
        assert choice == b"\x05\x00", f"method answer {choice.hex(' ')}"
        s.sendall(bytes([5, command, 0]) + destination(host, port))
        return s, read_reply(s)
    except BaseException:
        s.close()
        raise


def reply_to(network, proxy, host, port, **options):
    """Only the reply; the connection is closed."""
    s, reply = request(network, proxy, host, port, **options)
    s.close()
    return reply


def connect(network, proxy, host, port, **options):
    """An open stream to the destination."""
    s, reply = request(network, proxy, host, port, **options)
    if reply.code != SUCCEEDED:
        s.close()
        raise ConnectionError(f"{host}:{port}: SOCKS reply {reply.raw.hex(' ')}")
    return s

# SPDX-License-Identifier: MIT
"""Ways through each door, a byte at a time, where no program shows enough of the answer."""

import contextlib
import socket
import ssl
import struct
from dataclasses import dataclass

from . import socks

GRANTED, REJECTED = 90, 91  # SOCKS4


def plain(network, address, timeout=30.0):
    """A stream to a door that asks nothing; `address` is a pair or the path of a Unix socket."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    s = network.socket(family, socket.SOCK_STREAM)
    s.settimeout(timeout)
    try:
        s.connect(address)
    except BaseException:
        s.close()
        raise
    return s


def read_head(s):
    """The bytes up to the empty line, and not one more: what follows is the target's."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = s.recv(1)
        if not piece:
            raise ConnectionError(f"end of stream after {head!r}")
        head += piece
    return head


def socks4(network, proxy, host, port, *, command=1, user=b"", **options):
    """SOCKS4, or 4a for a name: the socket, and the whole answer of eight bytes."""
    s = plain(network, proxy, **options)
    try:
        packed, name = socket.inet_aton(host), b""
    except OSError:
        packed, name = b"\0\0\0\1", host.encode() + b"\0"
    s.sendall(struct.pack("!BBH", 4, command, port) + packed + user + b"\0" + name)
    answer = socks.exactly(s, 8)
    assert len(answer) == 8 and answer[0] == 0, f"not an answer of SOCKS4: {answer.hex(' ')}"
    return s, answer


@dataclass(frozen=True)
class Status:
    code: int
    text: str  # the whole head
    body: str


def http_connect(network, proxy, host, port, **options):
    """CONNECT: the socket and the answer; a refusal's body is read to its end."""
    s = plain(network, proxy, **options)
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    s.sendall(f"CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n\r\n".encode())
    head = read_head(s).decode()
    code, text = int(head.split()[1]), b""
    while code != 200 and (piece := s.recv(4096)):
        text += piece
    return s, Status(code, head, text.decode())


def client_hello(name):
    """The first flight of a TLS client that asks for `name`."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def dns_query(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + labels + b"\0\0\x01\0\x01"


class Association:
    """SOCKS5's UDP ASSOCIATE: its connection, and a socket for the datagrams."""

    def __init__(self, network, proxy, *, source="127.0.0.1", hint=("0.0.0.0", 0)):
        self.control = plain_from(network, source, proxy)
        self.control.sendall(b"\x05\x01\x00")
        assert socks.exactly(self.control, 2) == b"\x05\x00"
        self.control.sendall(b"\x05\x03\x00" + socks.destination(*hint))
        self.reply = socks.read_reply(self.control)
        self.at = (self.reply.address, self.reply.port)
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        self.socket = network.socket(family, socket.SOCK_DGRAM)
        self.socket.settimeout(30)
        self.socket.bind((source, 0))

    def send(self, host, port, payload, fragment=0):
        self.socket.sendto(bytes([0, 0, fragment]) + socks.destination(host, port) + payload, self.at)

    def receive(self):
        """Address, port and payload of the next datagram."""
        data, sender = self.socket.recvfrom(65535)
        assert sender[:2] == self.at, f"from {sender}, not from the relay at {self.at}"
        assert data[:3] == b"\0\0\0"
        size = {socks.IPV4: 4, socks.IPV6: 16}[data[3]]
        family = socket.AF_INET if size == 4 else socket.AF_INET6
        port = struct.unpack_from("!H", data, 4 + size)[0]
        return socket.inet_ntop(family, data[4 : 4 + size]), port, data[6 + size :]

    def is_silent(self, seconds=0.3):
        """Nothing comes for so long."""
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(30)
        return False

    def close(self):
        self.control.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def plain_from(network, source, address):
    """As plain(), from a chosen address of the client."""
    s = network.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_STREAM)
    s.settimeout(30)
    s.bind((source, 0))
    s.connect(address)
    return s


def listen(network, address):
    """A listener of the test's own on some host of the ground."""
    if isinstance(address, str):
        s = network.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    else:
        s = network.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address)
    s.listen(1024)
    s.settimeout(60)
    return s


def datagrams(network, address):
    """A UDP socket of the test's own on some host of the ground."""
    s = network.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(address)
    s.settimeout(30)
    return s


def reset(s):
    """End a connection with RST."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()

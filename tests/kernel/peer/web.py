# SPDX-License-Identifier: MIT
"""The web server behind the tunnel: as curl sees it, and piece by piece."""

import socket

from ground import socks

HELLO = b"hello\n"


def _host(ground, family):
    return ground.far.inner4 if family == "4" else f"[{ground.far.inner6}]"


def get(ground, proxy, path, *, family="4", **options):
    return ground.fetch(f"http://{_host(ground, family)}{path}", proxy=proxy, **options)


class Request:
    """One request whose body or answer takes as long as the test wants. A context."""

    def __init__(self, ground, proxy, head, *, family="4", timeout=60):
        address = ground.far.inner4 if family == "4" else ground.far.inner6
        self._stream = socks.connect(
            ground.client, proxy.address, address, 80, timeout=timeout)
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        lines = [*head, "Host: kernel", "Connection: close", "", ""]
        self._stream.sendall("\r\n".join(lines).encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()

    def send(self, data):
        self._stream.sendall(data)

    def pieces(self):
        """The answer's body as it comes."""
        answer = self._stream.makefile("rb")
        status = answer.readline()
        assert b" 200 " in status, status
        while answer.readline().strip():
            pass
        while piece := answer.read1(1 << 16):
            yield piece

    def answer(self):
        return b"".join(self.pieces())


def upload(ground, proxy, size, **options):
    """A request that wants this many bytes; its answer begins with their SHA-256."""
    head = ["POST /cgi-bin/checksum HTTP/1.0", f"Content-Length: {size}"]
    return Request(ground, proxy, head, **options)


def download(ground, proxy, path, **options):
    return Request(ground, proxy, [f"GET {path} HTTP/1.0"], **options)

# SPDX-License-Identifier: MIT
"""A UDP relay that can change the side that the far end sees, as a NAT does.

It keeps the handshake messages that it carried, whole.
"""

import select
import socket
import threading

from ground.capture import DATA

LARGEST = 65535


class Relay:
    """Between one client on loopback and one far end. Use it as a context."""

    def __init__(self, network, far, local):
        self._network, self._far = network, far
        self._client = None
        self._handshakes = []
        self._lock = threading.Lock()
        self._inner = network.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inner.bind(("127.0.0.1", 0))
        self._outer = self._open_outer(local)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping = True
        self._thread.join(5)
        self._inner.close()
        self._outer.close()

    @property
    def endpoint(self):
        """What the client's file has as the Endpoint."""
        return "%s:%d" % self._inner.getsockname()

    @property
    def seen_from_far(self):
        return "%s:%d" % self._outer.getsockname()

    def handshakes(self, kind, *, outbound):
        """The messages of one type that went one way so far."""
        return [data for out, data in self._handshakes if out == outbound and data[0] == kind]

    def move(self, local):
        """From now on the far end sees another port of this address; the old one is dead."""
        fresh = self._open_outer(local)
        with self._lock:
            old, self._outer = self._outer, fresh
            old.close()

    def _open_outer(self, local):
        outer = self._network.socket(socket.AF_INET, socket.SOCK_DGRAM)
        outer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        outer.bind((local, 0))
        return outer

    def _run(self):
        while not self._stopping:
            with self._lock:
                outer = self._outer
            try:
                ready, _, _ = select.select([self._inner, outer], [], [], 0.05)
            except (OSError, ValueError):  # closed by move()
                continue
            with self._lock:
                self._carry(ready)

    def _carry(self, ready):
        if self._inner in ready:
            data, self._client = self._inner.recvfrom(LARGEST)
            self._note(True, data)
            self._outer.sendto(data, self._far)
        if self._outer in ready and self._client:
            data = self._outer.recv(LARGEST)
            self._note(False, data)
            self._inner.sendto(data, self._client)

    def _note(self, outbound, data):
        if data and data[0] != DATA:
            self._handshakes.append((outbound, data))

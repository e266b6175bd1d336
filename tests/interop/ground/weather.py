# SPDX-License-Identifier: MIT
"""Weather on the way to a far end: a UDP relay on the client's host (tests/relay).

wgproxy sends to the relay on the loopback, and the relay over the outer link, so that the
capture still judges every packet of the client and shows what the weather left of them.
"""

import os
import re

from . import product
from .far import PORT
from .process import Process, wait_until

RELAY_PORT = 4000


def binary():
    """From WGPROXY_RELAY, or where the build that made wgproxy put it."""
    beside = product.binary().parent.parent / "tests/relay/udp-relay"
    path = os.environ.get("WGPROXY_RELAY") or beside
    assert os.access(path, os.X_OK), f"no relay at {path}: build the target udp-relay"
    return path


class Weather:
    """A relay that takes commands through a pipe and ends when this process does."""

    def __init__(self, ground, **rules):
        self.endpoint = f"127.0.0.1:{RELAY_PORT}"
        pipe = ground.work / "weather.commands"
        os.mkfifo(pipe)
        self._commands = os.open(pipe, os.O_RDWR | os.O_CLOEXEC)
        self._told = 0
        self._process = Process(
            ground.client,
            [binary(), "--listen", self.endpoint, "--to", f"{ground.far.outer4}:{PORT}",
             *_options({"seed": 1, **rules})],
            ground.work / "weather.log",
            prefix=("sh", "-c", 'exec "$@" <"$0"', pipe),
        )
        self._process.wait_for_output("relaying from", 60)

    def _tell(self, command):
        self._told += 1
        os.write(self._commands, f"{command}\n".encode())
        wait_until(lambda: self._process.output.count("\ndone: ") == self._told,
                   5, f"the relay does {command!r}")

    def change(self, **rules):
        for word, value in rules.items():
            self._tell(f"{word} {value}")

    def rebind(self):
        """The NAT on the way forgets its mapping and makes another one."""
        self._tell("rebind")

    def counts(self):
        """Datagrams so far, each a pair of those to the far end and those from it."""
        self._tell("stats")
        line = re.findall(r"up (\d+) (\d+) (\d+) down (\d+) (\d+) (\d+)",
                          self._process.output)[-1]
        up, down = [int(n) for n in line[:3]], [int(n) for n in line[3:]]
        return dict(zip(("received", "carried", "dropped"), zip(up, down)))

    def stop(self):
        os.close(self._commands)
        self._process.wait(30)


def _options(rules):
    return [text for word, value in rules.items() for text in (f"--{word}", value)]

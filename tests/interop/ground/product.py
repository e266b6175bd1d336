# SPDX-License-Identifier: MIT
"""wgproxy itself, as a user starts it: a file, an address to listen on, two signals."""

import os
import re
import signal
from pathlib import Path

from .process import UNPRIVILEGED, Process

DEFAULT_PORT = 1080
READY = r"\bready\b"  # once every listener is bound ("already" is another word)


def binary():
    """The wgproxy under test, from WGPROXY_BIN."""
    return Path(os.environ.get("WGPROXY_BIN", "")).absolute()


def why_not():
    path = os.environ.get("WGPROXY_BIN")
    if not path:
        return "WGPROXY_BIN is not set: it names the wgproxy to test"
    if not os.access(path, os.X_OK):
        return f"WGPROXY_BIN={path} is no program"
    return None


def is_sanitized():
    data = binary().read_bytes()
    return b"__asan_init" in data or b"__tsan_init" in data


def patience():
    """How much longer than plain code the one under test may take."""
    return 4.0 if is_sanitized() else 1.0


def _number(status, field):
    found = re.search(rf"^{field}:\s+(\d+)", status.read_text(), re.MULTILINE)
    return int(found.group(1))


class WgProxy:
    """One running wgproxy. Its log is what it wrote to standard error."""

    def __init__(self, network, config_path, log, *, port=None, wrapper=(), arguments=()):
        listen = () if port is None else ("-D", f"127.0.0.1:{port}")
        self.network = network
        self.address = ("127.0.0.1", port or DEFAULT_PORT)
        self.config_path = config_path
        self._process = Process(
            network, [*wrapper, binary(), "-c", config_path, *listen, *arguments], log,
            prefix=UNPRIVILEGED,
        )
        self.pid = self._process.pid

    @property
    def log(self):
        return self._process.output

    def url(self, scheme="socks5h"):
        return f"{scheme}://{self.address[0]}:{self.address[1]}"

    def wait_ready(self, timeout=60.0):
        self._process.wait_for_output(READY, timeout * patience())

    def said_ready(self):
        return re.search(READY, self.log) is not None

    def exit_code(self):
        return self._process.exit_code()

    def wait(self, timeout):
        return self._process.wait(timeout)

    def kill(self):
        return self._process.kill()

    def signal(self, number=signal.SIGTERM):
        self._process.signal(number)

    def stop(self, within=30.0):
        """SIGTERM; returns the exit code, or raises when it takes too long: flows have 5 s to end."""
        if self.exit_code() is None:
            self.signal()
        return self.wait(within * patience())

    def wait_for_log(self, pattern, timeout=30.0):
        self._process.wait_for_output(pattern, timeout * patience())

    def memory(self):
        """Resident bytes."""
        return 1024 * _number(Path(f"/proc/{self.pid}/status"), "VmRSS")

    def handles(self):
        """Open descriptors."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wake_ups(self):
        """How often any of its threads has gone to sleep so far."""
        return sum(_number(status, "voluntary_ctxt_switches")
                   for status in Path(f"/proc/{self.pid}/task").glob("*/status"))

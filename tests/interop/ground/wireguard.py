# SPDX-License-Identifier: MIT
"""Keys, files, and a WireGuard endpoint that is not ours: wireguard-go."""

import os
import subprocess
from dataclasses import dataclass

from .process import Process, wait_until


def _wg(*arguments, text=None):
    done = subprocess.run(
        ["wg", *arguments], input=text, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"wg {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


@dataclass(frozen=True)
class Keys:
    private: str
    public: str

    @classmethod
    def new(cls):
        private = _wg("genkey")
        return cls(private, _wg("pubkey", text=private))


def new_psk():
    return _wg("genpsk")


def section(name, pairs):
    """One section of a WireGuard file; keys whose value is None are left out."""
    lines = [f"{key} = {value}" for key, value in pairs.items() if value is not None]
    return "\n".join([f"[{name}]", *lines, "", ""])


class Endpoint:
    """wireguard-go with its tunnel device in one network.

    Its control sockets are named after the device and shared by all networks of the
    ground, so device names are unique.
    """

    def __init__(self, network, device, work):
        self.network, self.device, self.work = network, device, work
        self.process = None

    def start(self, addresses, mtu=1420):
        self.process = Process(
            self.network, ["wireguard-go", "-f", self.device],
            self.work / f"{self.device}.log",
            environment={
                "LOG_LEVEL": os.environ.get("GROUND_LOG_LEVEL", "error"),
                "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD": "1",
            },
        )
        wait_until(lambda: os.path.exists(f"/run/wireguard/{self.device}.sock"),
                   10, f"wireguard-go offers {self.device}")
        for address in addresses:
            self.network.ip("address", "add", address, "dev", self.device, "nodad")
        self.network.ip("link", "set", self.device, "mtu", mtu, "up")

    def configure(self, text):
        path = self.work / f"{self.device}.conf"
        path.write_text(text)
        _wg("setconf", self.device, str(path))

    def set(self, *arguments):
        _wg("set", self.device, *(str(a) for a in arguments))

    def show(self, what):
        return _wg("show", self.device, what)

    def route(self, *prefixes):
        for prefix in prefixes:
            self.network.ip("route", "replace", prefix, "dev", self.device)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process = None
            # A dead wireguard-go leaves its control socket behind.
            socket_path = f"/run/wireguard/{self.device}.sock"
            if os.path.exists(socket_path):
                os.unlink(socket_path)

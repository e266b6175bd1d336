# SPDX-License-Identifier: MIT
"""A far end for the interop ground whose WireGuard is the kernel's.

It has what ground.far.Far has for the ground, on the same addresses. There is one web
server, on the inner addresses:

    /hello                   six bytes
    /body                    4 MiB of noise, new with every boot
    /cgi-bin/checksum        the SHA-256 of what is posted
    /cgi-bin/paced?SECONDS   4 KiB five times a second, then "= " and how often
"""

import shlex
from dataclasses import dataclass

from ground import wireguard
from ground.capture import Capture, Rules
from ground.far import CLIENT_INNER4, CLIENT_INNER6, PORT

from .virtual_machine import TAP

DEVICE = "wg0"


@dataclass(frozen=True)
class Traffic:
    """What the kernel has counted of one peer, in bytes."""

    received: int
    sent: int


class KernelFar:
    outer4, outer6 = "192.0.2.2", "2001:db8::2"
    client4, client6 = "192.0.2.1", "2001:db8::1"
    inner4, inner6 = "10.77.0.1", "fd77::1"
    allowed_ips = "10.77.0.0/16, fd77::/16"
    # For those who roam.
    other_outer4, other_client4 = "192.0.2.4", "192.0.2.3"

    def __init__(self, client, vm, work):
        self.client, self.vm = client, vm
        self.keys = wireguard.Keys.new()
        self.psk = None
        self._connect()
        self.capture = Capture(client, TAP, work / "outer.pcap")
        self.capture.wait_ready()

    def _connect(self):
        self.vm.plug_into(self.client)
        for address in (f"{self.client4}/28", f"{self.other_client4}/28"):
            self.client.ip("address", "add", address, "dev", TAP)
        self.client.ip("address", "add", f"{self.client6}/64", "dev", TAP, "nodad")
        # A way out for leaks: they shall be seen, not fail for want of a route.
        self.client.ip("route", "add", "default", "via", self.outer4)
        self.client.ip("-6", "route", "add", "default", "via", self.outer6)
        for address in (f"{self.outer4}/28", f"{self.other_outer4}/28", f"{self.outer6}/64"):
            self.vm.run(f"ip address del {address} dev eth0 2>/dev/null;"
                        f" ip address add {address} dev eth0")

    def start(self, client_public, *, client_endpoint=None):
        """A new device with new keys, and the client as its peer."""
        self.run(f"ip link del {DEVICE} 2>/dev/null || true")
        self.run(f"ip link add {DEVICE} type wireguard")
        self.configure("setconf", wireguard.section(
            "Interface", {"PrivateKey": self.keys.private, "ListenPort": PORT}))
        self.add_peer(client_public, endpoint=client_endpoint)
        self.link_up()

    def configure(self, how, text):
        """`wg setconf` or `wg addconf`."""
        lines = " ".join(shlex.quote(line) for line in text.splitlines())
        self.run(f"printf '%s\\n' {lines} >/tmp/conf && wg {how} {DEVICE} /tmp/conf")

    def add_peer(self, public, *, inner=(CLIENT_INNER4, CLIENT_INNER6), endpoint=None):
        self.configure("addconf", wireguard.section("Peer", {
            "PublicKey": public,
            "PresharedKey": self.psk,
            "AllowedIPs": ", ".join(inner),
            "Endpoint": endpoint,
        }))

    def link_up(self):
        """A link that was down has lost its IPv6 address and its routes."""
        self.run(f"ip link set {DEVICE} mtu 1420")
        self.run(f"ip link set {DEVICE} up")
        for address in (f"{self.inner4}/16", f"{self.inner6}/16"):
            self.run(f"ip address add {address} dev {DEVICE} 2>/dev/null || true")

    def link_down(self):
        """Every session is gone (the kernel's wg_stop), the keys and peers stay."""
        self.run(f"ip link set {DEVICE} down")

    def leave_first_address(self):
        """The machine is from now on only at other_outer4."""
        self.run("echo 1 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries")
        self.run(f"ip address del {self.outer4}/28 dev eth0")

    # Looking at it -----------------------------------------------------------

    def run(self, command, **options):
        return self.vm.run(command, **options)

    def show(self, what, public=None):
        """One line of `wg show` for the peer, without its key."""
        rows = [line.split("\t") for line in self.run(f"wg show {DEVICE} {what}").splitlines()]
        row, = (r for r in rows if public in (None, r[0]))
        return row[1:]

    def traffic(self, public=None):
        return Traffic(*map(int, self.show("transfer", public)))

    def latest_handshake(self, public=None):
        """Seconds of the machine's own clock; 0: none yet."""
        return int(self.show("latest-handshakes", public)[0])

    def client_endpoint(self, public=None):
        return self.show("endpoints", public)[0]

    def ping(self, address, count=3, wait=10):
        """How many answers came."""
        text = self.run(f"ping -c {count} -W {wait} {address} || true", timeout=30 + wait)
        return int(text.split(" packets transmitted, ")[1].split()[0])

    def body_checksum(self):
        return self.run("sha256sum /www/body").split()[0]

    # What the ground asks of a far end ---------------------------------------

    def rules(self, **options):
        usual = {"client": (self.client4, self.other_client4, self.client6),
                 "far": (self.outer4, self.other_outer4, self.outer6), "far_port": PORT}
        return Rules(**{**usual, **options})

    def stop(self):
        self.capture.abandon()
        self.vm.unplug_from(self.client)

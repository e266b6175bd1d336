# SPDX-License-Identifier: MIT
"""A far end: a host with a WireGuard endpoint and servers that only the tunnel reaches.

Far end number n (0, 1, ..), all on documentation or private prefixes:

    outer   192.0.2.(4n+2)/30, 2001:db8:n::2/64, port 51820 (client: ..1)
    inner   10.(77+n).0.1, fd(77+n)::1
      .2.0/24  and  :2::/48   local: any address is this host
      .8.0/24  and  :8::/48   unreachable (an ICMP error comes back)
      .9.0/24  and  :9::/48   filtered (nothing comes back)
"""

import ipaddress

from . import machine, wireguard
from .capture import Capture, Rules
from .process import Process, module

CLIENT_INNER4 = "10.77.0.2"
CLIENT_INNER6 = "fd77::2"
PORT = 51820
MANY_ADDRESSES = 120


class Far:
    def __init__(self, client, number, work):
        self.number, self.work = number, work
        self.keys = wireguard.Keys.new()
        self.psk = None
        self.outer4 = f"192.0.2.{4 * number + 2}"
        self.outer6 = f"2001:db8:{number}::2"
        self.client4 = f"192.0.2.{4 * number + 1}"
        self.client6 = f"2001:db8:{number}::1"
        self.net4, self.net6 = f"10.{77 + number}", f"fd{77 + number}"
        self.inner4, self.inner6 = f"{self.net4}.0.1", f"{self.net6}::1"
        self.link_name = f"c{number}"
        self.network = machine.Network(f"{client.name}-far{number}")
        self.endpoint = wireguard.Endpoint(
            self.network, f"{client.name}wg{number}", work)
        self._processes = []
        self._connect(client)
        self.capture = Capture(client, self.link_name, work / f"outer{number}.pcap")

    @property
    def allowed_ips(self):
        return f"{self.net4}.0.0/16, {self.net6}::/16"

    def at(self, suffix):
        """An inner address of this far end: "2.9" or ":9::1"."""
        return f"{self.net6}{suffix}" if ":" in suffix else f"{self.net4}.{suffix}"

    def _connect(self, client):
        machine.link(client, self.link_name, self.network, "outer")
        self._address(self.network, "outer", self.outer4, self.outer6)
        self.connect(client)

    @staticmethod
    def _address(network, device, address4, address6):
        network.ip("address", "replace", f"{address4}/30", "dev", device)
        network.ip("address", "replace", f"{address6}/64", "dev", device, "nodad")
        network.ip("link", "set", device, "up")

    def disconnect(self, client):
        """Pull the client's cable, with all that it knew about it."""
        client.ip("address", "flush", "dev", self.link_name)
        client.ip("link", "set", self.link_name, "down")

    def connect(self, client):
        """Give the client's end all that it needs, as an administrator would."""
        ends = ((client, self.link_name, self.client4, self.client6),
                (self.network, "outer", self.outer4, self.outer6))
        self._address(*ends[0])
        # Neighbours are known from the start: a fresh host can be deaf for a second.
        for here, there in (ends, ends[::-1]):
            for address in there[2:]:
                here[0].ip("neighbour", "replace", address, "dev", here[1],
                           "lladdr", there[0].mac(there[1]), "nud", "permanent")
        if self.number == 0:
            # A way out for leaks: they shall be seen, not fail for want of a route.
            client.ip("route", "replace", "default", "via", self.outer4)
            client.ip("-6", "route", "replace", "default", "via", self.outer6)

    def start(self, client_public, *, client_endpoint=None, keepalive=None):
        """Bring up the tunnel and the servers; `client_endpoint`: it calls first."""
        self.endpoint.start([f"{self.inner4}/32", f"{self.inner6}/128"])
        self.configure(client_public, client_endpoint, keepalive)
        self.endpoint.route(CLIENT_INNER4, CLIENT_INNER6)
        self._lay_out_targets()
        self._start_services()
        self._start_dns()

    def configure(self, client_public, client_endpoint=None, keepalive=None):
        self.endpoint.configure(
            wireguard.section("Interface", {
                "PrivateKey": self.keys.private, "ListenPort": PORT,
            })
            + wireguard.section("Peer", {
                "PublicKey": client_public,
                "PresharedKey": self.psk,
                "AllowedIPs": f"{CLIENT_INNER4}/32, {CLIENT_INNER6}/128",
                "Endpoint": client_endpoint,
                "PersistentKeepalive": keepalive,
            })
        )

    def forget(self, client_public):
        """Lose all session keys, as a restart would."""
        self.endpoint.set("peer", client_public, "remove")
        self.configure(client_public)

    def _lay_out_targets(self):
        # An unreachable network is only reported by a host that forwards.
        self.network.sysctl("ipv4/ip_forward", 1)
        self.network.sysctl("ipv6/conf/all/forwarding", 1)
        for kind, suffix4, suffix6 in (
            ("local", "2.0/24", ":2::/48"),
            ("unreachable", "8.0/24", ":8::/48"),
            ("blackhole", "9.0/24", ":9::/48"),
        ):
            device = ("dev", "lo") if kind == "local" else ()
            self.network.ip("route", "add", kind, self.at(suffix4), *device)
            self.network.ip("-6", "route", "add", kind, self.at(suffix6), *device)

    def _start(self, name, argv, sign):
        process = Process(self.network, argv, self.work / f"{name}{self.number}.log")
        self._processes.append((process, sign))

    def _start_services(self):
        self._start("services", module("services", self.endpoint.device, self.inner4),
                    "services are up")

    def _start_dns(self):
        config = self.work / f"dns{self.number}.conf"
        config.write_text(self._dns_config())
        # --no-daemon also keeps it from changing to a user that is not mapped here.
        self._start("dnsmasq", ["dnsmasq", "--no-daemon", f"--conf-file={config}"],
                    "started, version")

    def _dns_config(self):
        """The zone corp.test; names outside of it do not exist."""
        first = int(ipaddress.ip_address(self.at("2.1")))
        many = [ipaddress.ip_address(first + i) for i in range(MANY_ADDRESSES)]
        hosts = self.work / f"hosts{self.number}"
        hosts.write_text("".join(f"{address} many.corp.test\n" for address in many))
        return "\n".join([
            "no-resolv", "no-hosts", "bind-interfaces", "log-queries=extra",
            "local=/#/", "local-ttl=30",
            f"listen-address={self.inner4},{self.inner6}",
            f"addn-hosts={hosts}",
            f"host-record=web.corp.test,{self.inner4},{self.inner6}",
            f"host-record=intranet.corp.test,{self.inner4}",
            f"host-record=four.corp.test,{self.inner4}",
            f"host-record=six.corp.test,{self.inner6}",
            f"host-record=half.corp.test,{self.at('9.1')},{self.inner6}",
            "cname=alias.corp.test,web.corp.test",
            "server=/truncated.corp.test/127.0.0.1#5353",
            "",
        ])

    def wait_ready(self):
        self.capture.wait_ready()
        for process, sign in self._processes:
            process.wait_for_output(sign, 60)

    def dns_log(self):
        return (self.work / f"dnsmasq{self.number}.log").read_text()

    def rules(self, **options):
        usual = {"client": (self.client4, self.client6),
                 "far": (self.outer4, self.outer6), "far_port": PORT}
        return Rules(**{**usual, **options})

    def stop(self):
        self.capture.abandon()
        for process, _ in self._processes:
            process.kill()
        self.endpoint.stop()
        self.network.close()

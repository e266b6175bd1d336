# SPDX-License-Identifier: MIT
"""Who takes part. Each leads from a port on loopback to the services of the far end, and says which of its processes
are to be measured."""

import json
import os
import subprocess
import tempfile

from measure import place
from measure.place import FAR, NEAR, Process, find, program, run

SOCKS_PORT = 1080
OUTER_PORT = 51999


def _key_pair():
    private = run("wg", "genkey").strip()
    return private, run("wg", "pubkey", input=private).strip()


def _not_installed(*names):
    missing = [n for n in names if not find(n)]
    return f"{', '.join(missing)} not installed (tests/bench/install)" if missing else None


class Contestant:
    name = ""
    says = ""  # what it is
    programs = ()  # what runs on the machine of the user
    quick = False
    udp = False  # carries datagrams
    only = None  # the figures it is for; None: all
    without = ()  # those that it cannot have

    def __init__(self):
        self.processes = []
        self.measured = []
        self.remarks = []  # what is to be told beside the figures
        self.folder = tempfile.TemporaryDirectory(prefix="bench-")

    @classmethod
    def why_not(cls):
        """The reason why it cannot take part, or None."""
        return _not_installed("wg", *cls.programs)

    @classmethod
    def files(cls):
        return [find(p) for p in cls.programs]

    @classmethod
    def version(cls):
        return run(find(cls.programs[0]), "--version").strip().splitlines()[0]

    def file(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)
        return path

    def begin(self, *command, measured=False, **more):
        process = Process(*command, **more)
        self.processes.append(process)
        if measured:
            self.measured.append(process.pid)
        return process

    def prepare(self):
        """What is not part of its start: keys, the far end."""

    def launch(self):
        """Begin; nothing is waited for."""

    def first_byte(self):
        place.load("first", *self.way(7), "--seconds", "15", patience=40)

    def start(self):
        self.prepare()
        self.launch()
        self.first_byte()

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
        self.processes, self.measured = [], []
        self.folder.cleanup()

    def to(self, port):
        """Where a client connects to for a port of the far end."""
        return f"{FAR}:{port}"

    def way(self, port):
        """Arguments of the client that lead to a port of the far end."""
        return ["--to", self.to(port), "--account", self.to(10), "--socks", f"127.0.0.1:{SOCKS_PORT}"]

    def way_udp(self, port):
        return self.way(port)

    def said(self):
        each = [p.said().strip().replace("\n", " / ")[-300:] for p in self.processes]
        return " | ".join(s for s in each if s)


class Tunnelled(Contestant):
    """One that speaks WireGuard, to the fast far end of ours."""

    endpoint = f"127.0.0.1:{OUTER_PORT}"

    def make_keys(self):
        self.private, self.public = _key_pair()
        self.far_private, self.far_public = _key_pair()

    def prepare(self):
        self.make_keys()
        self.begin(program("far"), self.file("far.conf", f"""\
[Interface]
PrivateKey = {self.far_private}
Address = {FAR}/32
ListenPort = {OUTER_PORT}
[Peer]
PublicKey = {self.public}
AllowedIPs = {NEAR}/32
"""), ready="ready")

    def client_conf(self, more=""):
        return self.file("client.conf", f"""\
[Interface]
PrivateKey = {self.private}
Address = {NEAR}/32
MTU = 1420
[Peer]
PublicKey = {self.far_public}
AllowedIPs = 10.9.0.0/24
Endpoint = {self.endpoint}
{more}""")


class Elsewhere(Contestant):
    """One whose far end has an interface of its own and so a network namespace of its own, behind a pair of veth."""

    def open_elsewhere(self):
        self.other = self.begin("unshare", "-n", "sleep", "infinity")
        place.until(lambda: os.stat(f"/proc/{self.other.pid}/ns/net").st_ino != os.stat("/proc/self/ns/net").st_ino,
                    "another namespace")
        run("ip", "link", "add", "outer0", "type", "veth", "peer", "name", "outer1", "netns", str(self.other.pid))
        run("ip", "address", "add", "192.0.2.1/24", "dev", "outer0")
        run("ip", "link", "set", "outer0", "up")
        self.there("ip", "address", "add", "192.0.2.2/24", "dev", "outer1")
        self.there("ip", "link", "set", "outer1", "up")
        self.there("ip", "link", "set", "lo", "up")

    def there(self, *command):
        return run("nsenter", "-t", str(self.other.pid), "-n", "--", *command)

    def serve_there(self):
        self.begin(program("serve"), FAR, ready="ready", inside=self.other.pid)

    def stop(self):
        super().stop()
        subprocess.run(["ip", "link", "delete", "outer0"], capture_output=True)


class Wgproxy(Tunnelled):
    name = "wgproxy"
    says = "this program"
    quick = True
    udp = True
    limits = ""

    @classmethod
    def files(cls):
        return [place.WGPROXY]

    @classmethod
    def version(cls):
        return ", ".join(run(place.WGPROXY, "--version").strip().splitlines())

    def launch(self):
        self.begin(place.WGPROXY, "-q", "-c", self.client_conf(self.limits), "-D", str(SOCKS_PORT), measured=True)


def _with_workers(n):
    class WithWorkers(Wgproxy):
        name = f"wgproxy, {n} worker{'' if n == 1 else 's'}"
        says = f"this program with Workers = {n}"
        quick = False
        limits = f"[Limits]\nWorkers = {n}\n"
        only = ("workers-down", "workers-up")

        @classmethod
        def why_not(cls):
            trial = cls()
            trial.make_keys()
            tried = subprocess.run([place.WGPROXY, "-n", "-c", trial.client_conf(cls.limits)], capture_output=True, text=True)
            trial.stop()
            known = tried.returncode == 0 and "unknown" not in tried.stderr
            return None if known else "this build does not know Workers"

    return WithWorkers


class Wireproxy(Tunnelled):
    name = "wireproxy"
    says = "wireproxy (Go, gVisor)"
    programs = ("wireproxy",)
    quick = True
    udp = True

    def launch(self):
        conf = self.client_conf(f"[Socks5]\nBindAddress = 127.0.0.1:{SOCKS_PORT}\n"
                                f"[UDPProxyTunnel]\nBindAddress = 127.0.0.1:2007\nTarget = {FAR}:7\n")
        self.begin(find("wireproxy"), "-s", "-c", conf, measured=True)

    def way_udp(self, port):
        return ["--to", "127.0.0.1:2007"]


class Onetun(Tunnelled):
    name = "onetun"
    says = "onetun (Rust, smoltcp): port forwards only"
    programs = ("onetun",)
    udp = True
    ports = (7, 9, 10, 19, 80)

    def launch(self):
        forwards = [f"127.0.0.1:{2000 + p}:{FAR}:{p}:TCP" for p in self.ports] + [f"127.0.0.1:2007:{FAR}:7:UDP"]
        self.begin(find("onetun"), *forwards, "--private-key", self.private, "--endpoint-public-key", self.far_public,
                   "--endpoint-addr", self.endpoint, "--source-peer-ip", NEAR, "--max-transmission-unit",
                   "1420", "--log", "off", measured=True)

    def to(self, port):
        return f"127.0.0.1:{2000 + port}"

    def way(self, port):
        return ["--to", self.to(port), "--account", self.to(10)]


class SingBox(Tunnelled):
    name = "sing-box"
    says = "sing-box (Go, gVisor), a WireGuard endpoint behind its SOCKS inbound"
    programs = ("sing-box",)
    udp = True

    @classmethod
    def version(cls):
        return run(find("sing-box"), "version").splitlines()[0]

    def prepare(self):
        """It waits for a default route before it sends anything, wherever that leads."""
        super().prepare()
        run("ip", "link", "add", "nowhere0", "type", "veth", "peer", "name", "nowhere1")
        for name in ("nowhere0", "nowhere1"):
            run("ip", "link", "set", name, "up")
        run("ip", "address", "add", "198.51.100.1/24", "dev", "nowhere0")
        run("ip", "route", "add", "default", "via", "198.51.100.2", "dev", "nowhere0")

    def stop(self):
        super().stop()
        subprocess.run(["ip", "link", "delete", "nowhere0"], capture_output=True)

    def launch(self):
        peer = {"address": "127.0.0.1", "port": OUTER_PORT, "public_key": self.far_public, "allowed_ips": ["10.9.0.0/24"]}
        conf = {
            "log": {"level": "error"},
            "inbounds": [{"type": "socks", "listen": "127.0.0.1", "listen_port": SOCKS_PORT}],
            "endpoints": [{"type": "wireguard", "tag": "wg", "system": False, "mtu": 1420, "address": [f"{NEAR}/32"],
                           "private_key": self.private, "peers": [peer]}],
            "route": {"final": "wg"},
        }
        self.begin(find("sing-box"), "run", "-c", self.file("client.json", json.dumps(conf)), measured=True)


def _microsocks(contestant):
    contestant.begin(find("microsocks"), "-i", "127.0.0.1", "-p", str(SOCKS_PORT), measured=True)


def _microsocks_version():
    return "microsocks " + run("dpkg-query", "-W", "-f", "${Version}", "microsocks")


def _no_tun():
    return None if os.access("/dev/net/tun", os.R_OK | os.W_OK) else "/dev/net/tun cannot be opened"


def _wait_for_wireguard_go(process, interface):
    sock = f"/run/wireguard/{interface}.sock"
    place.until(lambda: os.path.exists(sock) or process.ended(), "wireguard-go's start")


class Privileged(Tunnelled):
    name = "tun+microsocks"
    says = "the privileged way: wireguard-go on a TUN device, microsocks over the kernel's TCP (UDP without a proxy)"
    programs = ("wireguard-go", "microsocks")
    udp = True

    @classmethod
    def why_not(cls):
        return super().why_not() or _no_tun()

    @classmethod
    def version(cls):
        return f"{super().version()}, {_microsocks_version()}"

    def launch(self):
        tun = self.begin(find("wireguard-go"), "-f", "wgbench", measured=True, env={"LOG_LEVEL": "error"})
        _wait_for_wireguard_go(tun, "wgbench")
        run("wg", "set", "wgbench", "private-key", self.file("key", self.private), "peer", self.far_public,
            "allowed-ips", "10.9.0.0/24", "endpoint", self.endpoint)
        run("ip", "address", "add", f"{NEAR}/24", "dev", "wgbench")
        run("ip", "link", "set", "wgbench", "mtu", "1420", "up")
        _microsocks(self)

    def way_udp(self, port):
        return ["--to", self.to(port)]


class Openvpn(Elsewhere):
    name = "openvpn+microsocks"
    says = "OpenVPN on a TUN device, microsocks over the kernel's TCP (UDP without a proxy)"
    programs = ("openvpn", "microsocks")
    udp = True

    @classmethod
    def why_not(cls):
        return _not_installed("openssl", *cls.programs) or _no_tun()

    @classmethod
    def version(cls):
        said = subprocess.run([find("openvpn"), "--version"], capture_output=True, text=True).stdout  # its status is 1
        return f"{' '.join(said.split()[:2])}, {_microsocks_version()}"

    def certificate(self, name):
        path = os.path.join(self.folder.name, name)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-nodes", "-days",
            "2", "-subj", f"/CN={name}", "-keyout", f"{path}.key", "-out", f"{path}.crt")
        said = run("openssl", "x509", "-fingerprint", "-sha256", "-noout", "-in", f"{path}.crt")
        return path, said.split("=", 1)[1].strip()

    def prepare(self):
        self.near, near_print = self.certificate("near")
        far, self.far_print = self.certificate("far")
        self.open_elsewhere()
        self.begin(find("openvpn"), *self.common("tunfar", FAR, NEAR), "--tls-server", "--dh", "none", "--cert",
                   f"{far}.crt", "--key", f"{far}.key", "--peer-fingerprint", near_print, inside=self.other.pid)
        place.until(lambda: FAR in self.there("ip", "-4", "address"), "OpenVPN's far end")
        self.serve_there()

    @staticmethod
    def common(dev, ours, theirs):
        return ("--dev", dev, "--dev-type", "tun", "--ifconfig", ours, theirs, "--port", "1194", "--data-ciphers",
                "CHACHA20-POLY1305", "--tun-mtu", "1420", "--verb", "1", "--nobind" if ours == NEAR else "--float")

    def launch(self):
        self.begin(find("openvpn"), *self.common("tunnear", NEAR, FAR), "--remote", "192.0.2.2", "--tls-client",
                   "--cert", f"{self.near}.crt", "--key", f"{self.near}.key", "--peer-fingerprint", self.far_print,
                   measured=True)
        _microsocks(self)

    def way_udp(self, port):
        return ["--to", self.to(port)]


class ToWireguardGo(Wgproxy, Elsewhere):
    name = "wgproxy to wireguard-go"
    says = "a check: this program with wireguard-go, the kernel's TCP and veth as its far end"
    quick = False
    only = ("check-down", "check-up")
    endpoint = f"192.0.2.2:{OUTER_PORT}"

    @classmethod
    def why_not(cls):
        return _not_installed("wg", "wireguard-go") or _no_tun()

    def prepare(self):
        self.make_keys()
        self.open_elsewhere()
        tun = self.begin(find("wireguard-go"), "-f", "wgfar", inside=self.other.pid, env={"LOG_LEVEL": "error"})
        _wait_for_wireguard_go(tun, "wgfar")
        self.there("wg", "set", "wgfar", "private-key", self.file("key", self.far_private), "listen-port",
                   str(OUTER_PORT), "peer", self.public, "allowed-ips", f"{NEAR}/32")
        self.there("ip", "address", "add", f"{FAR}/24", "dev", "wgfar")
        self.there("ip", "link", "set", "wgfar", "mtu", "1420", "up")
        self.serve_there()


class Microsocks(Contestant):
    name = "microsocks"
    says = "a plain SOCKS5 proxy without any tunnel: the ceiling"
    programs = ("microsocks",)
    quick = True

    @classmethod
    def version(cls):
        return _microsocks_version()

    def prepare(self):
        run("ip", "address", "replace", f"{FAR}/32", "dev", "lo")
        self.begin(program("serve"), FAR, ready="ready")

    def launch(self):
        _microsocks(self)

    def stop(self):
        super().stop()
        subprocess.run(["ip", "address", "delete", f"{FAR}/32", "dev", "lo"], capture_output=True)


class Floor(Contestant):
    name = "floor"
    says = "local TCP, AEAD and batched UDP with no TCP/IP stack: what cannot be left out"
    quick = True
    only = ("down", "up")

    @classmethod
    def version(cls):
        return "with " + run(program("floor"), "suite").strip()

    def prepare(self):
        self.begin(program("floor"), "far", "52000")

    def launch(self):
        self.begin(program("floor"), "near", "2019", "2009", "2010", "52000", ready="ready", measured=True)

    def first_byte(self):
        pass  # it has no echo, and says when it is ready

    def to(self, port):
        return f"127.0.0.1:{2000 + port}"

    def way(self, port):
        return ["--to", self.to(port), "--account", self.to(10)]


ALL = [Wgproxy, Wireproxy, Onetun, SingBox, Privileged, Openvpn, Microsocks, Floor,
       _with_workers(0), _with_workers(1), _with_workers(2), ToWireguardGo]
ABSENT = {
    "tailscale": "its userspace mode, and a proxy over tsnet, take their peers from a coordination server only: there is no "
                 "static configuration",
}

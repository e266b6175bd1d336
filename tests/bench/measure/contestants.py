# SPDX-License-Identifier: MIT
"""Who takes part. Each leads from a port on loopback to the services of the far end, and says which of its processes
are to be measured."""

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


class Contestant:
    name = ""
    says = ""  # what it is
    quick = False
    udp = False  # carries datagrams
    only = None  # the figures it is for; None: all
    without = ()  # those that it cannot have

    def __init__(self):
        self.processes = []
        self.measured = []
        self.folder = tempfile.TemporaryDirectory(prefix="bench-")

    @classmethod
    def why_not(cls):
        """The reason why it cannot take part, or None."""
        return None

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

    def start(self):
        self.prepare()
        self.launch()
        place.load("first", *self.way(7), "--seconds", "15")

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
        self.processes, self.measured = [], []
        self.folder.cleanup()

    def way(self, port):
        """Arguments of the client that lead to a port of the far end."""
        return ["--to", f"{FAR}:{port}", "--socks", f"127.0.0.1:{SOCKS_PORT}"]

    def way_udp(self, port):
        return self.way(port)


class Tunnelled(Contestant):
    """One that speaks WireGuard, to the fast far end of ours."""

    def prepare(self):
        self.private, self.public = _key_pair()
        far_private, self.far_public = _key_pair()
        self.begin(program("far"), self.file("far.conf", f"""\
[Interface]
PrivateKey = {far_private}
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
Endpoint = 127.0.0.1:{OUTER_PORT}
{more}""")


class Wgproxy(Tunnelled):
    name = "wgproxy"
    says = "this program"
    quick = True
    udp = True
    options = ()

    def launch(self):
        self.begin(place.WGPROXY, "-q", "-c", self.client_conf(), "-D", str(SOCKS_PORT), *self.options, measured=True)


class Wireproxy(Tunnelled):
    name = "wireproxy"
    says = "wireproxy (Go, gVisor)"
    quick = True
    udp = True

    @classmethod
    def why_not(cls):
        return None if find("wireproxy") else "wireproxy is not installed"

    def launch(self):
        conf = self.client_conf(f"[Socks5]\nBindAddress = 127.0.0.1:{SOCKS_PORT}\n"
                                f"[UDPProxyTunnel]\nBindAddress = 127.0.0.1:2007\nTarget = {FAR}:7\n")
        self.begin(find("wireproxy"), "-s", "-c", conf, measured=True)

    def way_udp(self, port):
        return ["--to", "127.0.0.1:2007"]


class Onetun(Tunnelled):
    name = "onetun"
    says = "onetun (Rust, smoltcp): port forwards only"
    udp = True
    ports = (7, 9, 19, 80)

    @classmethod
    def why_not(cls):
        return None if find("onetun") else "onetun is not installed"

    def launch(self):
        forwards = [f"127.0.0.1:{2000 + p}:{FAR}:{p}:TCP" for p in self.ports] + [f"127.0.0.1:2007:{FAR}:7:UDP"]
        self.begin(find("onetun"), *forwards, "--private-key", self.private, "--endpoint-public-key", self.far_public,
                   "--endpoint-addr", f"127.0.0.1:{OUTER_PORT}", "--source-peer-ip", NEAR, "--max-transmission-unit",
                   "1420", "--log", "off", measured=True)

    def way(self, port):
        return ["--to", f"127.0.0.1:{2000 + port}"]


def _microsocks(contestant):
    contestant.begin(find("microsocks"), "-i", "127.0.0.1", "-p", str(SOCKS_PORT), measured=True)


class Privileged(Tunnelled):
    name = "tun+microsocks"
    says = "the privileged way: wireguard-go on a TUN device, microsocks over the kernel's TCP"

    @classmethod
    def why_not(cls):
        missing = [p for p in ("wireguard-go", "wg", "microsocks", "ip") if not find(p)]
        if missing:
            return f"{', '.join(missing)} not installed"
        return None if os.access("/dev/net/tun", os.R_OK | os.W_OK) else "/dev/net/tun cannot be opened"

    def launch(self):
        tun = self.begin(find("wireguard-go"), "-f", "wgbench", measured=True, env={"LOG_LEVEL": "error"})
        sock = "/var/run/wireguard/wgbench.sock"
        place.until(lambda: os.path.exists(sock) or tun.child.poll() is not None, "wireguard-go's start")
        key = self.file("key", self.private)
        run("wg", "set", "wgbench", "private-key", key, "peer", self.far_public, "allowed-ips", "10.9.0.0/24",
            "endpoint", f"127.0.0.1:{OUTER_PORT}")
        run("ip", "address", "add", f"{NEAR}/24", "dev", "wgbench")
        run("ip", "link", "set", "wgbench", "mtu", "1420", "up")
        _microsocks(self)


class Openvpn(Contestant):
    name = "openvpn+microsocks"
    says = "OpenVPN on a TUN device, microsocks over the kernel's TCP"

    @classmethod
    def why_not(cls):
        missing = [p for p in ("openvpn", "openssl", "microsocks", "ip") if not find(p)]
        if missing:
            return f"{', '.join(missing)} not installed"
        return None if os.access("/dev/net/tun", os.R_OK | os.W_OK) else "/dev/net/tun cannot be opened"

    def certificate(self, name):
        path = os.path.join(self.folder.name, name)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1", "-nodes", "-days",
            "2", "-subj", f"/CN={name}", "-keyout", f"{path}.key", "-out", f"{path}.crt")
        said = run("openssl", "x509", "-fingerprint", "-sha256", "-noout", "-in", f"{path}.crt")
        return path, said.split("=", 1)[1].strip()

    def prepare(self):
        self.near, near_print = self.certificate("near")
        far, self.far_print = self.certificate("far")
        self.other = self.begin("unshare", "-n", "sleep", "infinity")
        place.until(lambda: os.stat(f"/proc/{self.other.pid}/ns/net").st_ino != os.stat("/proc/self/ns/net").st_ino,
                    "another namespace")
        run("ip", "link", "add", "outer0", "type", "veth", "peer", "name", "outer1", "netns", str(self.other.pid))
        run("ip", "address", "add", "192.0.2.1/24", "dev", "outer0")
        run("ip", "link", "set", "outer0", "up")
        there = ("nsenter", "-t", str(self.other.pid), "-n", "--")
        run(*there, "ip", "address", "add", "192.0.2.2/24", "dev", "outer1")
        run(*there, "ip", "link", "set", "outer1", "up")
        run(*there, "ip", "link", "set", "lo", "up")
        self.begin(find("openvpn"), *self.common("tunfar", FAR, NEAR), "--tls-server", "--dh", "none", "--cert",
                   f"{far}.crt", "--key", f"{far}.key", "--peer-fingerprint", near_print, inside=self.other.pid)
        place.until(lambda: FAR in run(*there, "ip", "-4", "address"), "OpenVPN's far end")
        self.begin(program("serve"), FAR, ready="ready", inside=self.other.pid)

    @staticmethod
    def common(dev, ours, theirs):
        return ("--dev", dev, "--dev-type", "tun", "--ifconfig", ours, theirs, "--port", "1194", "--data-ciphers",
                "CHACHA20-POLY1305", "--tun-mtu", "1420", "--verb", "1", "--nobind" if ours == NEAR else "--float")

    def launch(self):
        self.begin(find("openvpn"), *self.common("tunnear", NEAR, FAR), "--remote", "192.0.2.2", "--tls-client",
                   "--cert", f"{self.near}.crt", "--key", f"{self.near}.key", "--peer-fingerprint", self.far_print,
                   measured=True)
        _microsocks(self)

    def stop(self):
        super().stop()
        subprocess.run(["ip", "link", "delete", "outer0"], capture_output=True)


class Microsocks(Contestant):
    name = "microsocks"
    says = "a plain SOCKS5 proxy without any tunnel: the ceiling"
    quick = True
    without = ("up", "up16")  # it ends both directions at the client's FIN, so the sink cannot say what came

    @classmethod
    def why_not(cls):
        return None if find("microsocks") else "microsocks is not installed"

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

    def prepare(self):
        self.begin(program("floor"), "far", "52000")

    def launch(self):
        self.begin(program("floor"), "near", "2019", "2009", "52000", ready="ready", measured=True)

    def start(self):
        self.prepare()
        self.launch()

    def way(self, port):
        return ["--to", f"127.0.0.1:{2000 + port}"]


ALL = [Wgproxy, Wireproxy, Onetun, Privileged, Openvpn, Microsocks, Floor]
ABSENT = {
    "sing-box": "its WireGuard module does not install by name",
    "tailscale": "its userspace mode needs a coordination server, and has no static configuration",
}

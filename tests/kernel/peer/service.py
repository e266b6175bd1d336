# SPDX-License-Identifier: MIT
"""The machine that systemd runs: wgproxy as services of it, and the kernel's WireGuard as the peer behind loopback."""

import shlex

from ground import wireguard

HELLO = "hello\n"
LOG = "/run/wgproxy.log"
CONFIGURATION = "/etc/wgproxy/wgproxy.conf"

# Beside our unit: the file of a secret, as its head says it, and a log that the test can read.
DROP_IN = f"""\
[Service]
LoadCredential=private.key:/etc/wgproxy/private.key
StandardOutput=append:{LOG}
StandardError=append:{LOG}
"""


class Service:

    def __init__(self, vm):
        self.vm = vm
        self.ours, self.theirs = wireguard.Keys.new(), wireguard.Keys.new()

    def run(self, command, **options):
        return self.vm.run(command, **options)

    def write(self, path, text):
        lines = " ".join(shlex.quote(line) for line in text.splitlines())
        self.run(f"mkdir -p {path.rsplit('/', 1)[0]}; printf '%s\\n' {lines} >{path}")

    def set_up(self):
        """Nothing of ours runs, and the peer is new."""
        self.run(f"umask 022; systemctl stop wgproxy.socket wgproxy.service container.service 2>/dev/null;"
                 f" rm -f {LOG}; ip link del wg0 2>/dev/null; true")
        self.write("/etc/systemd/system/wgproxy.service.d/test.conf", DROP_IN)
        self.write("/etc/wgproxy/private.key", self.ours.private)
        self.configure("127.0.0.1:1080")
        self.run("chmod 600 /etc/wgproxy/*")
        self.write("/tmp/wg.conf", wireguard.section(
            "Interface", {"PrivateKey": self.theirs.private, "ListenPort": 51820})
            + wireguard.section("Peer", {"PublicKey": self.ours.public, "AllowedIPs": "10.77.0.2/32"}))
        self.run("ip link add wg0 type wireguard && wg setconf wg0 /tmp/wg.conf && ip link set wg0 up"
                 " && ip address add 10.77.0.1/16 dev wg0")
        self.run("echo 127.0.0.1 far.test >/etc/hosts")
        self.run("systemctl daemon-reload; systemctl reset-failed 'wgproxy.*'; true")

    def configure(self, at):
        self.write(CONFIGURATION, wireguard.section(
            "Interface", {"PrivateKeyFile": "private.key", "Address": "10.77.0.2/32"})
            + wireguard.section("Peer", {"PublicKey": self.theirs.public, "AllowedIPs": "10.77.0.0/16",
                                         "Endpoint": "far.test:51820"})
            + wireguard.section("Proxy", {"BindAddress": at})
            + wireguard.section("Status", {"BindAddress": 9080})
            + wireguard.section("Limits", {"Workers": 2}))

    def curl(self, path, scheme="socks5h"):
        return self.run(f"curl -sS --max-time 20 -x {scheme}://127.0.0.1:1080 http://10.77.0.1{path}")

    def shows(self, name, unit="wgproxy.service"):
        return self.run(f"systemctl show -P {name} {unit}").strip()

    def log(self):
        return self.run(f"cat {LOG}")

    def received(self):
        """Bytes that the peer had from us."""
        return int(self.run("wg show wg0 transfer").split()[1])

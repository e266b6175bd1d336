# SPDX-License-Identifier: MIT
"""The container of config/kubernetes-sidecar.yaml, run as a kubelet would have it run: its command line, any user, a root
that cannot be written, no capability, no new privileges, and the secret as a volume of links that only its group may read."""

import json
import re
from pathlib import Path

from ground import wireguard
from ground.process import wait_until
from peer.service import HELLO, LOG

MANIFEST = (Path(__file__).parent.parent.parent / "config/kubernetes-sidecar.yaml").read_text()
USER = re.search(r"runAsUser: (\d+)", MANIFEST)[1]
MODE = re.search(r"defaultMode: (\d+)", MANIFEST)[1]
ARGUMENTS = json.loads(re.search(r"args: (\[.*\])", MANIFEST)[1])
VOLUME = "/run/secret"

UNIT = f"""\
[Service]
ExecStart=/usr/bin/wgproxy {" ".join(ARGUMENTS)}
RootDirectory=/image
BindReadOnlyPaths=/usr/bin/wgproxy /lib /lib64 /usr/lib {VOLUME}:/config
ProtectSystem=strict
User={USER}
Group={USER}
CapabilityBoundingSet=
NoNewPrivileges=yes
MemoryMax=256M
TimeoutStopSec=30
StandardOutput=append:{LOG}
StandardError=append:{LOG}
"""


def start(service, *, peer_is_there=True):
    service.write("/etc/systemd/system/container.service", UNIT)
    folder = f"{VOLUME}/..of_today"
    service.run(f"rm -rf {VOLUME} /image; mkdir -p {folder} /image/config")
    service.write(f"{folder}/private.key", service.ours.private)
    service.write(f"{folder}/client.conf", wireguard.section(
        "Interface", {"PrivateKeyFile": "private.key", "Address": "10.77.0.2/32"})
        + wireguard.section("Peer", {"PublicKey": service.theirs.public, "AllowedIPs": "10.77.0.0/16",
                                     "Endpoint": "127.0.0.1:51820"}))
    service.run(f"cd {VOLUME}; ln -s ..of_today ..data; for f in client.conf private.key; do ln -s ..data/$f $f; done; cd /")
    service.run(f"chown 0:{USER} {folder}/* && chmod {MODE} {folder}/*")
    service.run(f"ip link set wg0 {'up' if peer_is_there else 'down'}; systemctl daemon-reload;"
                " systemctl start container.service")


def probe(service):
    """The status that the kubelet sees; 0: nobody answers."""
    return int(service.run("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9080/readyz || true"))


def test_it_is_ready_once_the_tunnel_is_up(service):
    start(service, peer_is_there=False)
    wait_until(lambda: probe(service) == 503, 20, "an answer")
    assert service.shows("ActiveState", "container.service") == "active"
    service.run("ip link set wg0 up && ip address replace 10.77.0.1/16 dev wg0")
    wait_until(lambda: probe(service) == 200, 30, "it is ready")
    for scheme in ("socks5h", "http"):
        assert service.curl("/hello", scheme) == HELLO
    assert "warning" not in re.sub("warning: no answer.*|warning: .*socket's buffers.*", "", service.log())


def test_it_ends_in_good_time(service):
    start(service)
    wait_until(lambda: probe(service) == 200, 20, "it is ready")
    service.run("rm -f /tmp/paced; curl -s -x http://127.0.0.1:1080 -o /tmp/paced"
                " 'http://10.77.0.1/cgi-bin/paced?60' >/dev/null 2>&1 </dev/null & true")
    wait_until(lambda: service.run("stat -c %s /tmp/paced 2>/dev/null || echo 0").strip() != "0", 20, "a piece")
    service.run("systemctl stop container.service")  # SIGTERM, and SIGKILL after the grace period
    assert service.shows("Result", "container.service") == "success"
    assert service.shows("ExecMainStatus", "container.service") == "0"

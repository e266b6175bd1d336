# SPDX-License-Identifier: MIT
"""Several tunnels in one process: side by side with the same addresses inside, and one in another."""

import hashlib
import sys

import pytest

from ground import body, services, wireguard
from ground.body import MIB
from ground.capture import DATA, INITIATION
from ground.process import Process

pytestmark = pytest.mark.usefixtures("wgproxy")

FIRST, SECOND = "127.0.0.1:1081", "127.0.0.1:1082"
NESTED_PORT = 51900


def door(where):
    return wireguard.section("Socks5", {"BindAddress": where})


def write(ground, name, text):
    path = ground.work / f"{name}.conf"
    path.write_text(text)
    path.chmod(0o600)
    return path


def fetch(ground, where, url, **options):
    done = ground.curl("--fail", "--proxy", f"socks5h://{where}", url, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sent_by(far):
    """Bytes that its WireGuard has sent."""
    return int(far.endpoint.show("transfer").split()[2])


@pytest.fixture
def twins(bare_ground):
    """Two far ends that have everything inside in common: addresses, names, servers."""
    ground = bare_ground
    first, second = ground.add_far(), ground.add_far(start=False)
    for part in ("net4", "net6", "inner4", "inner6"):
        setattr(second, part, getattr(first, part))
    second.start(ground.keys.public)
    second.wait_ready()
    return ground


def test_tunnels_with_the_same_addresses_inside_never_meet(twins):
    ground = twins
    first, second = ground.fars
    other = write(ground, "other", ground.interface() + ground.peer(second) + door(SECOND))
    ground.start(ground.interface() + ground.peer(first) + door(FIRST), arguments=["-c", other])
    page, name = f"http://{first.inner4}/bytes?size={MIB}&seed=", "http://web.corp.test/hello"
    for seed in range(3):
        for where, used, unused in ((FIRST, first, second), (SECOND, second, first)):
            used_before, unused_before = sent_by(used), sent_by(unused)
            data = fetch(ground, where, f"{page}{seed}")
            assert hashlib.sha256(data).hexdigest() == body.checksum(MIB, seed)
            assert fetch(ground, where, name) == services.HELLO
            assert sent_by(used) - used_before > MIB
            assert sent_by(unused) - unused_before < 1000

    # What befalls one is nothing to the other.
    ground.expect(port_unreachable=True)
    second.endpoint.stop()
    assert ground.curl("--proxy", f"socks5h://{SECOND}", f"{page}1", timeout=2).returncode != 0
    assert fetch(ground, FIRST, name) == services.HELLO
    assert all(report.messages(DATA, outbound=True) for report in ground.finish())


def test_a_tunnel_in_a_tunnel_shows_nothing_of_itself(ground):
    far, keys = ground.far, wireguard.Keys.new()
    nested = wireguard.Endpoint(far.network, f"{far.endpoint.device}n", ground.work)
    nested.start(["10.99.0.1/32"], mtu=1340)
    nested.configure(
        wireguard.section("Interface", {"PrivateKey": keys.private, "ListenPort": NESTED_PORT})
        + wireguard.section("Peer", {"PublicKey": ground.keys.public, "AllowedIPs": "10.99.0.2/32"}))
    nested.route("10.99.0.2")
    pages = ground.work / "pages"
    pages.mkdir()
    (pages / "page").write_bytes(body.make(MIB, seed=7))
    server = Process(
        far.network, [sys.executable, "-u", "-m", "http.server", "--bind", "10.99.0.1",
                      "--directory", pages, "8000"], ground.work / "pages.log")
    server.wait_for_output("Serving HTTP", 60)

    inside = write(ground, "inside", wireguard.section("Interface", {
        "PrivateKey": ground.keys.private, "Address": "10.99.0.2/32", "Through": "client0",
    }) + wireguard.section("Peer", {
        "PublicKey": keys.public, "AllowedIPs": "10.99.0.0/24",
        "Endpoint": f"{far.inner4}:{NESTED_PORT}",
    }) + door(SECOND))
    ground.start(ground.client_conf() + door(FIRST), arguments=["-c", inside])
    for _ in range(3):
        assert fetch(ground, SECOND, "http://10.99.0.1:8000/page") == body.make(MIB, seed=7)
        assert fetch(ground, FIRST, f"http://{far.inner4}/hello") == services.HELLO
    server.kill()
    nested.stop()
    report, = ground.finish()
    assert len(report.messages(INITIATION, outbound=True)) == 1
    assert len(report.client_ports()) == 1

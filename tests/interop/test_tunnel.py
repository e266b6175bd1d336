# SPDX-License-Identifier: MIT
"""Tunnels of every shape that a client.conf can ask for."""

import pytest

from ground import body, process, services, socks, wireguard
from ground.body import MIB
from ground.capture import DATA, INITIATION, RESPONSE
from ground.process import wait_until

pytestmark = pytest.mark.usefixtures("wgproxy")

# What a provider's file may hold besides: all of it is for wg-quick's eyes.
FOR_WG_QUICK = {"PostUp": "iptables -A FORWARD -i %i", "Table": "off", "SaveConfig": "true"}


def hello(ground, proxy, address=None, **options):
    host = address or ground.far.inner4
    host = f"[{host}]" if ":" in host else host
    return ground.fetch(f"http://{host}/hello", proxy=proxy, **options) == services.HELLO


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("outer", ["4", "6"])
@pytest.mark.parametrize("inner", ["4", "6"])
def test_both_families_work_inside_and_outside(ground, inner, outer, scheme):
    far = ground.far
    endpoint = f"{far.outer4}:51820" if outer == "4" else f"[{far.outer6}]:51820"
    proxy = ground.start(ground.interface() + ground.peer(Endpoint=endpoint))
    address = far.inner4 if inner == "4" else far.inner6
    assert hello(ground, proxy, address, scheme=scheme)
    report, = ground.finish()
    assert len(report.messages(INITIATION, outbound=True)) == 1
    assert len(report.messages(RESPONSE, outbound=False)) == 1
    assert len(report.client_ports()) == 1


def test_the_client_has_its_own_address_in_the_tunnel(ground):
    proxy = ground.start()
    who = ground.fetch(f"http://{ground.far.inner4}/who", proxy=proxy).decode().strip()
    assert who == "::ffff:10.77.0.2"
    who = ground.fetch(f"http://[{ground.far.inner6}]/who", proxy=proxy).decode().strip()
    assert who == "fd77::2"


def test_the_default_port_is_1080_and_another_can_be_chosen(ground):
    first, second = ground.start(), ground.start(port=1081)
    assert first.address[1] == 1080 and second.address[1] == 1081
    # One key at one peer can be in one place at a time: the last to call has it.
    first.stop()
    assert hello(ground, second)


def test_a_preshared_key_is_used(bare_ground):
    bare_ground.add_far(psk=True)
    assert hello(bare_ground, bare_ground.start())


def test_a_wrong_preshared_key_opens_nothing(bare_ground):
    ground = bare_ground
    ground.add_far(psk=True)
    conf = ground.interface() + ground.peer(PresharedKey=wireguard.new_psk())
    proxy = ground.start(conf)
    done = ground.curl(f"http://{ground.far.inner4}/hello", proxy=proxy, timeout=4)
    assert done.returncode in (28, 97)
    report, = ground.finish()
    assert report.messages(RESPONSE) and not report.messages(DATA)


def test_a_whole_provider_file_works_unchanged(ground):
    """Every address through the tunnel, and keys that are not for us."""
    text = ground.interface(**FOR_WG_QUICK) + ground.peer(
        AllowedIPs="0.0.0.0/0, ::/0  # everything", PersistentKeepalive=25)
    shuffled = "\ufeff" + text.replace("PrivateKey", "privatekey").replace("\n", "\r\n")
    proxy = ground.start(shuffled)
    assert hello(ground, proxy)
    assert hello(ground, proxy, "web.corp.test")
    assert proxy.log.lower().count("postup") <= 1


def test_each_peer_gets_what_its_allowed_ips_say(ground):
    second = ground.add_far()
    proxy = ground.start()
    assert hello(ground, proxy, ground.far.inner4)
    assert hello(ground, proxy, second.inner4)
    assert hello(ground, proxy, second.inner6)
    reports = ground.finish()
    assert all(report.messages(DATA, outbound=True) for report in reports)


def test_the_more_specific_of_two_peers_wins(ground):
    second = ground.add_far()
    proxy = ground.start(
        ground.interface() + ground.peer(AllowedIPs="0.0.0.0/0, ::/0")
        + ground.peer(second, AllowedIPs=f"{second.inner4}/32"))
    assert hello(ground, proxy, second.inner4)
    assert hello(ground, proxy, ground.far.inner4)
    assert socks.reply_to(ground.client, proxy.address, second.at("2.1"), 80,
                          timeout=90).code != socks.SUCCEEDED


def test_a_tunnel_that_the_peer_opens_carries_our_requests(bare_ground):
    """We know a port to listen on, and the peer has to find us."""
    ground = bare_ground
    far = ground.add_far(start=False)
    proxy = ground.start(
        ground.interface(ListenPort=47001) + ground.peer(Endpoint=None))
    ground.expect(client_port=47001)
    far.start(ground.keys.public, client_endpoint=f"{far.client4}:47001", keepalive=1)
    far.wait_ready()
    assert hello(ground, proxy)
    report, = ground.finish()
    assert report.messages(INITIATION, outbound=False)
    assert report.messages(RESPONSE, outbound=True)
    assert not report.messages(INITIATION, outbound=True)


def test_without_an_endpoint_nothing_is_sent_before_the_peer_calls(bare_ground):
    ground = bare_ground
    ground.add_far(start=False)
    proxy = ground.start(ground.interface() + ground.peer(Endpoint=None))
    reply = socks.reply_to(ground.client, proxy.address, ground.far.inner4, 80, timeout=90)
    assert reply.code != socks.SUCCEEDED
    assert not any(p.kind for p in ground.finish()[0].packets)


def test_a_peer_that_starts_later_is_found(bare_ground):
    """Until then its host answers each of our calls with "port unreachable"."""
    ground = bare_ground
    ground.expect(port_unreachable=True)
    far = ground.add_far(start=False)
    proxy = ground.start()
    assert ground.curl(f"http://{far.inner4}/", proxy=proxy, timeout=2).returncode == 28
    far.start(ground.keys.public)
    far.wait_ready()
    assert hello(ground, proxy, timeout=60)


def test_listen_port_is_where_we_send_from(ground):
    proxy = ground.start(ground.interface(ListenPort=47002) + ground.peer())
    ground.expect(client_port=47002)
    assert hello(ground, proxy)


def test_persistent_keepalive_opens_the_tunnel_without_any_request(ground):
    ground.start(ground.interface() + ground.peer(PersistentKeepalive=1))
    key = ground.keys.public
    wait_until(lambda: f"{key}\t0" not in ground.far.endpoint.show("latest-handshakes"),
               60, "a handshake")


def test_a_smaller_mtu_is_kept(ground):
    ground.expect(mtu=1280)
    proxy = ground.start(ground.interface(MTU=1280) + ground.peer())
    ground.far.network.ip("link", "set", ground.far.endpoint.device, "mtu", 1280)
    size = 300_000
    url = f"http://{ground.far.inner4}/bytes?size={size}"
    assert len(ground.fetch(url, proxy=proxy)) == size
    path = ground.work / "upload"
    path.write_bytes(bytes(size))
    assert ground.curl("--fail", "-T", path, f"http://{ground.far.inner4}/upload",
                       proxy=proxy).returncode == 0


def deafen(far, family):
    """The far end no longer hears what comes over this family; what we send would move it back."""
    done = process.run(far.network, ["nft", f"""
        table inet deaf; delete table inet deaf
        table inet deaf {{ chain from_outside {{
            type filter hook input priority 0; iifname outer meta nfproto {family} drop; }}; }}"""], timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_far_end_changes_family_in_the_middle_and_the_tunnel_follows(ground):
    """Roaming, from IPv4 to IPv6 and back: its next authenticated packet says where it is now."""
    far = ground.far
    proxy = ground.start()
    size = 4 * MIB
    with socks.connect(ground.client, proxy.address, far.inner4, 80) as s:
        s.settimeout(90)
        s.sendall(f"GET /paced?size={size}&seconds=2&seed=3 HTTP/1.0\r\n\r\n".encode())
        answer = s.recv(body.CHUNK)
        port = far.endpoint.show("endpoints").rsplit(":", 1)[1].strip()
        for until, deaf, client in ((MIB, "ipv4", f"[{far.client6}]"), (2 * MIB, "ipv6", far.client4)):
            while len(answer) < until:
                answer += s.recv(body.CHUNK)
            deafen(far, deaf)
            far.endpoint.set("peer", ground.keys.public, "endpoint", f"{client}:{port}")
        answer += b"".join(iter(lambda: s.recv(body.CHUNK), b""))
    assert answer.partition(b"\r\n\r\n")[2] == body.make(size, seed=3)
    report, = ground.finish()
    families = [p.head[12:14] for p in report.messages(DATA, outbound=True)]
    changes = [family for family, before in zip(families, [None, *families]) if family != before]
    assert changes == [b"\x08\x00", b"\x86\xdd", b"\x08\x00"]

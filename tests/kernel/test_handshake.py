# SPDX-License-Identifier: MIT
"""Who calls, with which secrets, over which families, and what the kernel counts."""

import pytest

from ground import socks, wireguard
from ground.body import MIB
from ground.capture import COOKIE, DATA, DATA_OVERHEAD, INITIATION, RESPONSE
from ground.far import CLIENT_INNER4, CLIENT_INNER6
from ground.process import wait_until
from peer.web import HELLO, get

LISTEN_PORT = 40000
UDP_HEADERS = 14 + 20 + 8  # Ethernet, IPv4, UDP


@pytest.mark.parametrize("outer", ["4", "6"])
@pytest.mark.parametrize("inner", ["4", "6"])
def test_wgproxy_calls_the_kernel(ground, inner, outer):
    far = ground.far
    far.start(ground.keys.public)
    endpoint = f"{far.outer4}:51820" if outer == "4" else f"[{far.outer6}]:51820"
    proxy = ground.start(
        ground.interface(ListenPort=LISTEN_PORT) + ground.peer(Endpoint=endpoint))
    assert get(ground, proxy, "/hello", family=inner) == HELLO

    client = far.client4 if outer == "4" else f"[{far.client6}]"
    assert far.client_endpoint() == f"{client}:{LISTEN_PORT}"
    assert far.latest_handshake() > 0
    report, = ground.finish()
    assert len(report.messages(INITIATION, outbound=True)) == 1
    assert len(report.messages(RESPONSE, outbound=False)) == 1
    assert not report.messages(INITIATION, outbound=False)


def listening(ground):
    """wgproxy that does not know where the kernel is, and the kernel that knows of it."""
    ground.far.start(
        ground.keys.public, client_endpoint=f"{ground.far.client4}:{LISTEN_PORT}")
    return ground.start(
        ground.interface(ListenPort=LISTEN_PORT) + ground.peer(Endpoint=None))


@pytest.mark.parametrize("address", [CLIENT_INNER4, CLIENT_INNER6])
def test_the_kernel_calls_wgproxy(ground, address):
    proxy = listening(ground)
    assert ground.far.ping(address) == 3
    assert get(ground, proxy, "/hello") == HELLO
    report, = ground.finish()
    assert len(report.messages(INITIATION, outbound=False)) == 1
    assert len(report.messages(RESPONSE, outbound=True)) == 1
    assert not report.messages(INITIATION, outbound=True)


@pytest.mark.parametrize("caller", ["wgproxy", "kernel"])
def test_a_preshared_key_is_used(ground, caller):
    ground.far.psk = wireguard.new_psk()
    if caller == "kernel":
        proxy = listening(ground)
        assert ground.far.ping(CLIENT_INNER4) == 3
    else:
        ground.far.start(ground.keys.public)
        proxy = ground.start()
    assert get(ground, proxy, "/hello") == HELLO


def test_a_wrong_preshared_key_opens_nothing_and_wgproxy_says_why(ground):
    """The kernel answers, since the initiation has no part of the preshared key."""
    far = ground.far
    far.psk = wireguard.new_psk()
    far.start(ground.keys.public)
    proxy = ground.start(
        ground.interface() + ground.peer(PresharedKey=wireguard.new_psk()))
    with pytest.raises((ConnectionError, TimeoutError)):
        socks.connect(ground.client, proxy.address, far.inner4, 80, timeout=18)
    proxy.wait_for_log("PresharedKey", timeout=10)
    report, = ground.finish()
    assert report.messages(RESPONSE, outbound=False) and not report.messages(DATA)
    assert far.latest_handshake() == 0


def is_quiet(far):
    """No traffic for a second."""
    before = far.traffic()
    far.run("sleep 1")
    return far.traffic() == before


def payload_bytes(report, outbound):
    """Of the WireGuard messages that went one way."""
    return sum(packet.length - UDP_HEADERS
               for kind in (INITIATION, RESPONSE, COOKIE, DATA)
               for packet in report.messages(kind, outbound))


def test_the_kernel_counts_every_byte_that_went_over_the_wire(ground):
    far = ground.far
    far.start(ground.keys.public)
    proxy = ground.start()
    assert len(get(ground, proxy, "/body")) == 4 * MIB
    wait_until(lambda: is_quiet(far), 30, "the connection's end")
    report, = ground.finish()
    traffic = far.traffic()
    assert traffic.received == payload_bytes(report, outbound=True)
    assert traffic.sent == payload_bytes(report, outbound=False)


def test_the_kernel_sees_a_persistent_keepalive(ground):
    far = ground.far
    far.start(ground.keys.public)
    ground.start(ground.interface() + ground.peer(PersistentKeepalive=1))
    wait_until(lambda: far.latest_handshake(), 20, "the first keepalive calls")
    before = far.traffic()
    wait_until(lambda: far.traffic().received >= before.received + 4 * DATA_OVERHEAD,
               20, "four keepalives")
    after = far.traffic()
    assert (after.received - before.received) % DATA_OVERHEAD == 0
    assert after.sent == before.sent, "a keepalive was answered"

    report, = ground.finish()
    keepalives = report.messages(DATA, outbound=True)
    assert {p.length - UDP_HEADERS for p in keepalives} == {DATA_OVERHEAD}
    pauses = [b.time - a.time for a, b in zip(keepalives, keepalives[1:])]
    assert all(0.9 < pause < 3 for pause in pauses), pauses

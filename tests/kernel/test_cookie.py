# SPDX-License-Identifier: MIT
"""Handshakes while one end is under load: only who shows a cookie gets in (paper 5.3)."""

from ground import flood
from ground.capture import COOKIE, INITIATION, RESPONSE
from ground.far import CLIENT_INNER4, PORT
from ground.process import wait_until
from peer.relay import Relay
from peer.web import HELLO, get

LISTEN_PORT = 40000
MAC2_AT = 132
NO_MAC2 = bytes(16)
PATIENCE = 30  # a second try comes after five seconds
ATTEMPTS = 5


def call(ground):
    """A new wgproxy gets a session; returns the relay that saw how."""
    far = ground.far
    with Relay(ground.client, (far.outer4, PORT), far.client4) as relay:
        proxy = ground.start(
            ground.interface() + ground.peer(Endpoint=relay.endpoint, PersistentKeepalive=25))
        wait_until(lambda: relay.handshakes(RESPONSE, outbound=False), PATIENCE, "a response")
        proxy.stop()
    return relay


def test_wgproxy_gets_into_a_kernel_under_load(ground):
    """A kernel that hands out cookies works its queue off, so load comes and goes."""
    far = ground.far
    far.start(ground.keys.public)
    ground.expect(port_unreachable=True)  # a relay that is gone
    with flood.under(ground.client, far.keys.public, far.other_client4, (far.outer4, PORT)):
        relays = (call(ground) for _ in range(ATTEMPTS))
        relay = next((r for r in relays if r.handshakes(COOKIE, outbound=False)), None)
    assert relay, "the kernel was never under load"
    first, *_, last = relay.handshakes(INITIATION, outbound=True)
    assert first[MAC2_AT:] == NO_MAC2
    assert last[MAC2_AT:] != NO_MAC2
    assert far.latest_handshake() > 0


def test_the_kernel_gets_into_wgproxy_under_load(ground):
    """The flood comes from the client's own host: it is not seen on the outer link."""
    far = ground.far
    far.start(ground.keys.public, client_endpoint=f"{far.client4}:{LISTEN_PORT}")
    proxy = ground.start(ground.interface(ListenPort=LISTEN_PORT) + ground.peer(Endpoint=None))
    with flood.under(ground.client, ground.keys.public, far.other_client4,
                     (far.client4, LISTEN_PORT)):
        far.ping(CLIENT_INNER4, count=1, wait=PATIENCE)
        wait_until(far.latest_handshake, PATIENCE, "a handshake")
    assert get(ground, proxy, "/hello") == HELLO
    report, = ground.finish()
    assert report.messages(COOKIE, outbound=True), "wgproxy was not under load"
    assert len(report.messages(INITIATION, outbound=False)) >= 2

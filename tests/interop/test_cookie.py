# SPDX-License-Identifier: MIT
"""Handshakes while one end is under load: only who shows a cookie gets in (paper 5.3)."""

import pytest

from ground import flood, services
from ground.capture import COOKIE, INITIATION
from ground.far import PORT

pytestmark = pytest.mark.usefixtures("wgproxy")

LISTEN_PORT = 47003
ATTEMPTS = 5


def hello(ground, proxy):
    """A second try comes after five seconds, with the cookie."""
    return ground.fetch(f"http://{ground.far.inner4}/hello", proxy=proxy, timeout=60) == services.HELLO


def test_wgproxy_gets_into_a_far_end_under_load(ground):
    """One that hands out cookies works its queue off, so load comes and goes."""
    far = ground.far
    with flood.under(ground.client, far.keys.public, far.client4, (far.outer4, PORT)):
        for port in range(1081, 1081 + ATTEMPTS):
            proxy = ground.start(port=port, arguments=["-v"])
            assert hello(ground, proxy)
            proxy.stop()
            if "cookie" in proxy.log:
                break
    assert "cookie" in proxy.log, "the far end was never under load"


def test_the_far_end_gets_into_wgproxy_under_load(bare_ground):
    """The flood comes from the client's own host: it is not seen on the outer link."""
    ground = bare_ground
    far = ground.add_far(start=False)
    ground.expect(client_port=LISTEN_PORT)
    proxy = ground.start(ground.interface(ListenPort=LISTEN_PORT) + ground.peer(Endpoint=None))
    with flood.under(ground.client, ground.keys.public, far.client4, (far.client4, LISTEN_PORT)):
        far.start(ground.keys.public, client_endpoint=f"{far.client4}:{LISTEN_PORT}", keepalive=1)
        far.wait_ready()
        assert hello(ground, proxy)
    report, = ground.finish()
    assert report.messages(COOKIE, outbound=True), "wgproxy was not under load"
    assert len(report.messages(INITIATION, outbound=False)) >= 2

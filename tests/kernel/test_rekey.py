# SPDX-License-Identifier: MIT
"""Transfers that live longer than their keys, with either end as the one that called."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ground import wireguard
from ground.capture import DATA, INITIATION
from peer.web import HELLO, download, get

pytestmark = pytest.mark.slow

REKEY_AFTER_TIME = 120
SECONDS = 130
LONGEST_PAUSE = 5.0  # the machine is emulated, and not alone
ABOUT_REKEY_TIME = range(REKEY_AFTER_TIME - 1, REKEY_AFTER_TIME + 8)
PIECE = 4096

CALLER_PORT, CALLED_PORT = 40000, 40001
CALLED_INNER = "10.77.0.3"


def start_caller(ground):
    """A client that calls the kernel."""
    ground.far.start(ground.keys.public)
    return ground.start(ground.interface(ListenPort=CALLER_PORT) + ground.peer())


def start_called(ground, keys):
    """A client that the kernel calls."""
    far = ground.far
    far.add_peer(keys.public, inner=(CALLED_INNER,),
                 endpoint=f"{far.client4}:{CALLED_PORT}")
    conf = ground.interface(
        PrivateKey=keys.private, Address=f"{CALLED_INNER}/32", ListenPort=CALLED_PORT)
    proxy = ground.start(conf + ground.peer(Endpoint=None), port=1081)
    assert far.ping(CALLED_INNER) == 3
    return proxy


def read(request):
    """(page, longest pause) of one answer; the server sets the pace."""
    page, pause, last = b"", 0.0, time.monotonic()
    for piece in request.pieces():
        now = time.monotonic()
        page, pause, last = page + piece, max(pause, now - last), now
    return page, pause


def transfer_through_all(ground, proxies):
    path = f"/cgi-bin/paced?{SECONDS}"
    requests = [download(ground, proxy, path) for proxy in proxies]
    with ThreadPoolExecutor() as pool:
        for page, pause in pool.map(read, requests):
            data, number = page.rsplit(b"= ", 1)
            assert len(data) == PIECE * int(number)
            assert pause < LONGEST_PAUSE, "the transfer stalled"


def renewed(report, client_port, outbound):
    """The initiations were of one direction only; returns the seconds between them."""
    calls = [p for p in report.messages(INITIATION) if p.client_port == client_port]
    assert all(p.outbound == outbound for p in calls), "the other end renewed the keys"
    return [b.time - a.time for a, b in zip(calls, calls[1:])]


def test_keys_are_renewed_by_whoever_called_and_no_stream_notices(ground):
    """The initiator renews after 120 s of use (paper 6.2), the responder leaves it to him."""
    far = ground.far
    caller = start_caller(ground)
    called_keys = wireguard.Keys.new()
    called = start_called(ground, called_keys)
    assert get(ground, caller, "/hello") == HELLO
    publics = (ground.keys.public, called_keys.public)
    before = [far.latest_handshake(public) for public in publics]

    transfer_through_all(ground, [caller, called])

    for public, first in zip(publics, before):
        assert far.latest_handshake(public) - first in ABOUT_REKEY_TIME
    report, = ground.finish()
    for port, outbound in ((CALLER_PORT, True), (CALLED_PORT, False)):
        pauses = renewed(report, port, outbound)
        assert len(pauses) == 1 and int(pauses[0]) in ABOUT_REKEY_TIME, pauses
        data = [p for p in report.messages(DATA) if p.client_port == port]
        for direction in (True, False):
            sessions = {p.session for p in data if p.outbound == direction}
            assert len(sessions) == 2, "the new keys were never used"

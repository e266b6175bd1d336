# SPDX-License-Identifier: MIT
"""Bytes through the tunnel: each way, while either end moves, and past lost sessions."""

import hashlib
import socket
import time

import pytest

from ground import body
from ground.body import MIB
from ground.capture import DATA, INITIATION
from ground.far import PORT
from ground.process import wait_until
from peer.relay import Relay
from peer.web import HELLO, download, get, upload

SLOW = 180  # seconds for a whole page: the machine is emulated, and not alone

# Whoever sent and heard nothing for KEEPALIVE + REKEY_TIMEOUT calls again (paper 6.5);
# if that is lost too, once more after REKEY_TIMEOUT and its jitter.
HEALED_WITHIN = 15 + 6


def is_checksum_of(answer, size):
    return answer.split()[0].decode() == body.checksum(size)


@pytest.mark.parametrize("family", ["4", "6"])
def test_four_mebibytes_arrive_unharmed_each_way(ground, family):
    far = ground.far
    far.start(ground.keys.public)
    proxy = ground.start()
    page = get(ground, proxy, "/body", family=family, timeout=SLOW)
    assert hashlib.sha256(page).hexdigest() == far.body_checksum()
    with upload(ground, proxy, 4 * MIB, family=family) as request:
        request.send(body.make(4 * MIB))
        assert is_checksum_of(request.answer(), 4 * MIB)


def kernel_follows(far, endpoint):
    wait_until(lambda: far.client_endpoint() == endpoint, 20, "the kernel follows the client")


def test_the_kernel_follows_a_restarted_client(ground):
    far = ground.far
    far.start(ground.keys.public)
    ground.expect(port_unreachable=True)  # for what comes back when a client is gone
    for port in (40001, 40002):
        proxy = ground.start(ground.interface(ListenPort=port) + ground.peer())
        assert get(ground, proxy, "/hello") == HELLO
        kernel_follows(far, f"{far.client4}:{port}")
        proxy.stop()


def test_an_upload_survives_that_the_clients_outer_address_and_port_change(ground):
    far = ground.far
    far.start(ground.keys.public)
    ground.expect(port_unreachable=True)  # for what is under way to a port that was left
    moves = [far.client4, far.other_client4, far.client4, far.client4]
    size = (1 + len(moves)) * MIB
    pieces = list(body.chunks(size))
    per_move = len(pieces) // (1 + len(moves))
    with Relay(ground.client, (far.outer4, PORT), far.client4) as relay:
        proxy = ground.start(ground.interface() + ground.peer(Endpoint=relay.endpoint))
        with upload(ground, proxy, size) as request:
            request.send(b"".join(pieces[:per_move]))
            for number, local in enumerate(moves, 1):
                relay.move(local)
                request.send(b"".join(pieces[number * per_move :][:per_move]))
                kernel_follows(far, relay.seen_from_far)
            assert is_checksum_of(request.answer(), size)
        assert len(relay.handshakes(INITIATION, outbound=True)) == 1


def test_a_download_survives_that_the_kernels_outer_address_changes(ground):
    far = ground.far
    far.start(ground.keys.public)
    proxy = ground.start()
    checksum = hashlib.sha256()
    with download(ground, proxy, "/body") as request:
        pieces = request.pieces()
        checksum.update(next(pieces))
        far.leave_first_address()
        for piece in pieces:
            checksum.update(piece)
    assert checksum.hexdigest() == far.body_checksum()

    report, = ground.finish()
    assert len(report.messages(INITIATION)) == 1
    target = report.messages(DATA, outbound=True)[-1].head[30:34]
    assert socket.inet_ntoa(target) == far.other_outer4


def test_a_stream_goes_on_after_the_kernel_lost_its_sessions(ground):
    """The kernel has nothing of its own to say, so it is for wgproxy to notice."""
    far = ground.far
    far.start(ground.keys.public)
    proxy = ground.start()
    first, second = body.make(2 * MIB)[:MIB], body.make(2 * MIB)[MIB:]
    with upload(ground, proxy, 2 * MIB) as request:
        request.send(first)
        wait_until(lambda: far.traffic().received > MIB, 60, "the first half")
        far.link_down()
        far.link_up()
        before = far.latest_handshake()
        lost_at = time.monotonic()
        request.send(second)
        wait_until(lambda: far.latest_handshake() > before, HEALED_WITHIN, "a new session")
        healed_after = time.monotonic() - lost_at
        assert is_checksum_of(request.answer(), 2 * MIB)
    print(f"a new session after {healed_after:.1f} s")

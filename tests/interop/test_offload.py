# SPDX-License-Identifier: MIT
"""Bulk data through each way in which datagrams can be moved: cut and gathered by the system, or
one by one where it refuses, is told not to, or has small buffers; with small packets and large."""

import hashlib
import re
import socket
import sys
import threading
from pathlib import Path

import pytest

from ground import body, refuse, socks, wireguard
from ground.body import MIB
from ground.far import CLIENT_INNER4
from test_outside import NARROW, is_fragment, narrow
from test_transfer import download, upload

pytestmark = pytest.mark.usefixtures("wgproxy")

SIZE = 24 * MIB
STATUS = "[Status]\nBindAddress = 127.0.0.1:9080\n"
REFUSE = (sys.executable, Path(refuse.__file__))


def both_ways(ground, proxy):
    download(ground, proxy, SIZE, seed=1)
    upload(ground, proxy, SIZE, seed=2)


def counters(ground):
    page = ground.fetch("http://127.0.0.1:9080/metrics").decode()
    return {key: int(value) for key, value in re.findall(r"^(udp_\w+)=(\d+)$", page, re.MULTILINE)}


def needs(page, *names):
    missing = [name for name in names if not page[name]]
    if missing:
        pytest.skip(f"this system has no {', '.join(missing)}")


def test_bulk_data_leaves_many_datagrams_to_a_call(ground):
    proxy = ground.start(ground.client_conf() + STATUS)
    both_ways(ground, proxy)
    c = counters(ground)
    needs(c, "udp_gso")
    assert c["udp_tx_datagrams"] > SIZE / 1420
    assert c["udp_rx_datagrams"] > SIZE / 1420
    assert c["udp_tx_datagrams"] > 2 * c["udp_tx_calls"]
    assert c["udp_tx_undelivered"] == 0
    assert "UDP_" not in proxy.log


@pytest.mark.parametrize("refused, words", [
    ("gso", ["the system has no UDP_SEGMENT"]),
    ("gro", ["the system has no UDP_GRO"]),
    ("gso,gro", ["the system has no UDP_SEGMENT", "the system has no UDP_GRO"]),
    ("buffers", ["net.core.rmem_max=", "net.core.wmem_max="]),
    ("gso,gro,buffers", ["no UDP_SEGMENT", "no UDP_GRO", "net.core.rmem_max="]),
])
def test_what_the_system_refuses_is_done_without_and_said_once(ground, refused, words):
    proxy = ground.start(ground.client_conf() + STATUS, wrapper=(*REFUSE, refused))
    both_ways(ground, proxy)
    for text in words:
        assert proxy.log.count(text) == 1, proxy.log
    c = counters(ground)
    assert not ("gso" in refused and c["udp_gso"]) and not ("gro" in refused and c["udp_gro"])


def test_the_file_may_forbid_both(ground):
    proxy = ground.start(ground.interface(UdpOffload="no") + ground.peer() + STATUS)
    both_ways(ground, proxy)
    c = counters(ground)
    assert (c["udp_gso"], c["udp_gro"]) == (0, 0)
    assert "UDP_" not in proxy.log


@pytest.mark.parametrize("offload", ["yes", "no"])
@pytest.mark.parametrize("mtu", [1280, 1408, 4000, 8920])
def test_every_size_of_packet_arrives(ground, mtu, offload):
    far = ground.far
    ground.client.ip("link", "set", far.link_name, "mtu", 9000)
    far.network.ip("link", "set", "outer", "mtu", 9000)
    far.network.ip("link", "set", far.endpoint.device, "mtu", mtu)
    ground.expect(mtu=mtu)
    proxy = ground.start(ground.interface(MTU=mtu, UdpOffload=offload) + ground.peer())
    both_ways(ground, proxy)


def test_a_path_that_takes_less_than_the_file_says_is_heeded(ground):
    """The system cuts no fragments from a run: it refuses the run, and the tunnel's packets become shorter."""
    narrow(ground, NARROW)
    proxy = ground.start(ground.interface(MTU=1420, Address=f"{CLIENT_INNER4}/32") + ground.peer() + STATUS)
    both_ways(ground, proxy)
    c = counters(ground)
    assert all(map(is_fragment, ground.take_leaks()))
    needs(c, "udp_gso")
    assert proxy.log.count("the path became narrower") == 1
    assert "UDP_SEGMENT" not in proxy.log
    assert c["udp_tx_datagrams"] > 2 * c["udp_tx_calls"]


class Echoes:
    """On the client's own host: says the checksum of what it was sent, then sends a body."""

    def __init__(self, network):
        self._listener = network.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        s, _ = self._listener.accept()
        with s, self._listener:
            received = hashlib.sha256()
            while piece := s.recv(body.CHUNK):
                received.update(piece)
            s.sendall(received.digest())
            for piece in body.chunks(SIZE, seed=6):
                s.sendall(piece)

    def join(self):
        self._thread.join(150)


@pytest.mark.parametrize("near", ["yes", "no"])
@pytest.mark.parametrize("far", ["yes", "no"])
def test_two_of_ours_understand_each_other_whatever_they_use(ground, near, far):
    """What one end sends as one message over loopback arrives as one at the other, if both may."""
    echoes, keys = Echoes(ground.client), wireguard.Keys.new()
    ground.launch(
        wireguard.section("Interface", {"PrivateKey": keys.private, "Address": "10.98.0.1/32",
                                        "ListenPort": 51999, "UdpOffload": far})
        + wireguard.section("Peer", {"PublicKey": ground.keys.public, "AllowedIPs": f"{CLIENT_INNER4}/32"})
        + f"[TCPServerTunnel]\nListenPort = 80\nTarget = 127.0.0.1:{echoes.port}\n").wait_ready()
    proxy = ground.start(
        ground.interface(UdpOffload=near, Address=f"{CLIENT_INNER4}/32", DNS=None)
        + wireguard.section("Peer", {"PublicKey": keys.public, "AllowedIPs": "10.98.0.1/32",
                                     "Endpoint": "127.0.0.1:51999"})
        + STATUS + "[Proxy]\nBindAddress = 127.0.0.1:1080\n")
    with socks.connect(ground.client, proxy.address, "10.98.0.1", 80) as s:
        s.settimeout(150)
        s.sendall(body.make(SIZE, seed=5))
        s.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: s.recv(body.CHUNK), b""))
    echoes.join()
    assert answer[:32].hex() == body.checksum(SIZE, 5)
    assert hashlib.sha256(answer[32:]).hexdigest() == body.checksum(SIZE, 6)
    c = counters(ground)
    if near == far == "yes":
        needs(c, "udp_gso", "udp_gro")
        assert c["udp_rx_datagrams"] > 8 * c["udp_rx_calls"]

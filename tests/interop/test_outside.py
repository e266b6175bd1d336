# SPDX-License-Identifier: MIT
"""The outer network changes while we use it: the far end restarts or moves, the machine's
resolver comes late, the path takes only small packets."""

import hashlib
import re
import sys
import threading
import time

import pytest

from ground import body, doors, process, product, services, socks
from ground.body import MIB
from ground.far import CLIENT_INNER4, CLIENT_INNER6, PORT
from ground.process import Process

pytestmark = pytest.mark.usefixtures("wgproxy")

# After 15 s without an answer a new session is begun (paper 6.5), and what waits goes at once: TCP alone would
# come back to it after 31 s.
HEALS_WITHIN = 15 + 8

# The name is asked for again while that time runs; at the worst one call goes to the old address.
FOUND_WITHIN = HEALS_WITHIN + 5

# The machine tells of its new address, and the peer hears from there a second later; what it sent to the old
# one TCP repeats in its own time.
MOVES_WITHIN = 15

NAME = "far.outside.test"
NARROW = 1280  # the least that IPv6 allows outside
ETHERNET = 14
IPV6_FRAGMENT = 44


def hello(ground, proxy, **options):
    url = f"http://{ground.far.inner4}/hello"
    return ground.fetch(url, proxy=proxy, **options) == services.HELLO


class Outside:
    """The name server of the outer network, on the far end's host: it knows one name."""

    def __init__(self, ground):
        self._ground, self._process = ground, None

    def answer(self, *addresses):
        self.stop()
        network = self._ground.far.network
        config = self._ground.work / "outside.conf"
        config.write_text("\n".join([
            "no-resolv", "no-hosts", "bind-interfaces", "local=/#/", "local-ttl=0",
            f"listen-address={self._ground.far.outer4}",
            *(f"host-record={NAME},{address}" for address in addresses), "",
        ]))
        self._process = Process(
            network, ["dnsmasq", "--no-daemon", f"--conf-file={config}"],
            self._ground.work / "outside.log")
        self._process.wait_for_output("started, version", 30)

    def stop(self):
        if self._process:
            self._process.kill()
            self._process.log_path.unlink()
            self._process = None


@pytest.fixture
def outside(ground):
    outside = Outside(ground)
    yield outside
    outside.stop()
    # The endpoint's own name may be asked outside, and nothing else.
    label = b"\3far\7outside\4test"
    for leak in ground.take_leaks():
        assert label in leak.head or leak.verdict == "an ICMP error", leak


def restart(ground):
    """The far end's process ends and comes back with its file and without its memory. The
    servers that are bound to its device would not see the new one, so one is that is not."""
    far = ground.far
    far.endpoint.stop()
    far.endpoint.start([f"{far.inner4}/32", f"{far.inner6}/128"])
    far.configure(ground.keys.public)
    far.endpoint.route(CLIENT_INNER4, CLIENT_INNER6)


def first_answer(ground, proxy, url, within):
    """The page, asked for once."""
    within *= product.patience()
    begin = time.monotonic()
    done = ground.curl("--fail", url, proxy=proxy, timeout=within)
    took = time.monotonic() - begin
    print(f"answered after {took:.1f} s")
    assert done.returncode == 0 and took < within, f"{took:.1f} s: {done.stderr}"
    return done.stdout


def test_a_far_end_that_restarts_is_found_again(ground):
    ground.expect(port_unreachable=True)
    far = ground.far
    pages = ground.work / "pages"
    pages.mkdir()
    (pages / "page").write_bytes(b"still here\n")
    server = Process(
        far.network, [sys.executable, "-u", "-m", "http.server", "--bind", far.inner4,
                      "--directory", pages, "8000"], ground.work / "pages.log")
    server.wait_for_output("Serving HTTP", 60)
    url = f"http://{far.inner4}:8000/page"
    proxy = ground.start()
    assert ground.fetch(url, proxy=proxy) == b"still here\n"
    restart(ground)
    assert first_answer(ground, proxy, url, HEALS_WITHIN) == b"still here\n"
    server.kill()


def test_a_tunnel_starts_before_its_name_can_be_resolved(ground, outside):
    """The request that was made meanwhile is answered when the name server has come up."""
    proxy = ground.start(ground.interface() + ground.peer(Endpoint=f"{NAME}:{PORT}"))
    replies = []
    asker = threading.Thread(target=lambda: replies.append(socks.reply_to(
        ground.client, proxy.address, ground.far.inner4, 80)))
    asker.start()
    proxy.wait_for_log(f"endpoint {NAME}: .* try again in 2 s", 60)
    assert not replies
    outside.answer(ground.far.outer4)
    asker.join(60)
    assert [reply.code for reply in replies] == [socks.SUCCEEDED]
    assert hello(ground, proxy)


def lose_link(ground):
    ground.far.disconnect(ground.client)


def lose_addresses(ground):
    """IPv4's routes go with them; IPv6's stay, and Linux would send from ::1."""
    ground.client.ip("address", "flush", "dev", ground.far.link_name)
    ground.client.ip("-6", "route", "flush", "dev", ground.far.link_name)


def test_the_machines_resolver_answers_only_where_the_file_says_so(ground, outside):
    """[Resolve] Outside = yes, loudly: every door asks the same, and the connection is inside all the same."""
    outside.answer(ground.far.inner4)
    url = f"http://{NAME}/hello"
    file = ground.interface(DNS=None) + ground.peer()
    forwards = ("-L", f"8080:{NAME}:80", "-L", f"udp:5353:{NAME}:53", "-D", "1080")
    shut = ground.start(file, arguments=forwards)
    for scheme in ("socks5h", "socks4a", "http"):
        assert ground.curl("--fail", url, proxy=shut, scheme=scheme).returncode != 0
    assert ground.curl("http://127.0.0.1:8080/hello").returncode != 0
    assert "names are refused" in shut.log
    assert shut.stop() == 0
    proxy = ground.start(file + "[Resolve]\nOutside = yes\n", arguments=forwards)
    assert re.search(r"warning: .*Outside = yes.*outside the tunnel", proxy.log)
    for scheme in ("socks5h", "socks4a", "http"):
        assert ground.fetch(url, proxy=proxy, scheme=scheme) == services.HELLO
    assert ground.fetch("http://127.0.0.1:8080/hello") == services.HELLO
    question = doors.dns_query("four.corp.test")
    with doors.datagrams(ground.client, ("127.0.0.1", 0)) as s, doors.Association(ground.client, proxy.address) as a:
        s.sendto(question, ("127.0.0.1", 5353))
        assert len(s.recv(512)) > len(question)
        a.send(NAME, 53, question)
        assert len(a.receive()[2]) > len(question)


@pytest.mark.parametrize("outer", ["4", "6"])
@pytest.mark.parametrize("lose", [lose_link, lose_addresses])
def test_a_tunnel_starts_while_the_network_is_down(ground, lose, outer):
    """The request that was made meanwhile is answered when the network has come up."""
    lose(ground)
    proxy = ground.start(ground.interface()
                         + ground.peer(Endpoint=outer_endpoint(ground, outer)), arguments=["-v"])
    replies = []
    asker = threading.Thread(target=lambda: replies.append(socks.reply_to(
        ground.client, proxy.address, ground.far.inner4, 80)))
    asker.start()
    proxy.wait_for_log("datagram to .*: (no route|.*unreachable|.*address)", 60)
    assert not replies
    ground.far.connect(ground.client)
    asker.join(60)
    assert [reply.code for reply in replies] == [socks.SUCCEEDED]
    assert hello(ground, proxy)


def test_the_clients_address_may_change_in_the_middle(ground):
    """As a laptop's from one network to the next: the link goes, and comes back with another."""
    far, new4 = ground.far, "192.0.2.129"
    ground.expect(client=(far.client4, far.client6, new4))
    proxy = ground.start()
    size = 4 * MIB
    with socks.connect(ground.client, proxy.address, far.inner4, 80) as s:
        s.settimeout(90)
        s.sendall(f"GET /paced?size={size}&seconds=2&seed=3 HTTP/1.0\r\n\r\n".encode())
        answer = s.recv(body.CHUNK)
        far.disconnect(ground.client)
        ground.client.ip("address", "add", f"{new4}/32", "dev", far.link_name)
        ground.client.ip("link", "set", far.link_name, "up")
        ground.client.ip("route", "add", "default", "dev", far.link_name)
        far.network.ip("route", "add", new4, "dev", "outer")
        since = time.monotonic()
        answer += b"".join(iter(lambda: s.recv(body.CHUNK), b""))
        assert time.monotonic() - since < MOVES_WITHIN * product.patience()
    assert answer.partition(b"\r\n\r\n")[2] == body.make(size, seed=3)
    assert f"{new4}:" in far.endpoint.show("endpoints")


def test_a_far_end_that_moved_is_found_by_its_name(ground, outside):
    """Its old address falls silent, and so does it: only the name says where it is now."""
    old, new = "198.51.100.1", "198.51.100.2"
    far = ground.far
    ground.expect(far=(far.outer4, far.outer6, old, new))
    far.network.ip("address", "add", f"{old}/32", "dev", "outer")
    outside.answer(old)
    proxy = ground.start(ground.interface() + ground.peer(Endpoint=f"{NAME}:{PORT}"))
    assert hello(ground, proxy)
    time.sleep(1)  # the last acknowledgements, which would tell us too
    far.network.ip("address", "del", f"{old}/32", "dev", "outer")
    far.network.ip("route", "add", "blackhole", old)
    far.network.ip("address", "add", f"{new}/32", "dev", "outer")
    outside.answer(new)
    url = f"http://{far.inner4}/hello"
    assert first_answer(ground, proxy, url, FOUND_WITHIN) == services.HELLO
    assert f"{NAME} is {new}" in proxy.log


def narrow(ground, mtu):
    ground.client.ip("link", "set", ground.far.link_name, "mtu", mtu)
    ground.far.network.ip("link", "set", "outer", "mtu", mtu)


def transfer(ground, proxy, size=2 * MIB):
    url = f"http://{ground.far.inner4}"
    data = ground.fetch(f"{url}/bytes?size={size}&seed=1", proxy=proxy, timeout=60)
    assert hashlib.sha256(data).hexdigest() == body.checksum(size, 1)
    path = ground.work / "upload"
    path.write_bytes(body.make(size, 2))
    answer = ground.curl("--fail", "-T", path, f"{url}/upload", proxy=proxy, timeout=60)
    assert answer.stdout.decode().strip() == body.checksum(size, 2), answer.stderr


def run(network, argv):
    done = process.run(network, argv, timeout=60, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def longest(report, since=0.0):
    return max(p.length for p in report.packets if p.time > since) - ETHERNET


def outer_endpoint(ground, family):
    far = ground.far
    return f"{far.outer4}:{PORT}" if family == "4" else f"[{far.outer6}]:{PORT}"


def is_fragment(packet):
    return packet.verdict == "an IPv4 fragment" or (
        packet.head[12:14] == b"\x86\xdd" and packet.head[20] == IPV6_FRAGMENT)


@pytest.mark.parametrize("outer", ["4", "6"])
def test_a_narrow_path_is_known_from_the_start(ground, outer):
    """No packet is too long, nor has to be cut, though the far end knows nothing of it."""
    narrow(ground, NARROW)
    proxy = ground.start(ground.interface(MTU=None, Address=f"{CLIENT_INNER4}/32")
                         + ground.peer(Endpoint=outer_endpoint(ground, outer)))
    transfer(ground, proxy)
    assert NARROW - 50 < longest(ground.finish()[0]) <= NARROW


@pytest.mark.parametrize("outer", ["4", "6"])
def test_a_path_too_narrow_for_ipv6_inside_carries_tcp_whole(ground, outer):
    """IPv6 needs 1280 bytes inside (RFC 8200 5), which do not fit into 1280 outside; TCP does not."""
    narrow(ground, NARROW)
    proxy = ground.start(ground.interface(MTU=None)
                         + ground.peer(Endpoint=outer_endpoint(ground, outer)))
    transfer(ground, proxy)
    assert NARROW - 80 < longest(ground.finish()[0]) <= NARROW


@pytest.mark.parametrize("inner", ["4", "6"])
def test_what_the_far_end_sends_may_vanish_for_its_size(ground, inner):
    """Nobody tells it. Its TCP, the Linux kernel's, hears from ours what it may send."""
    run(ground.client, ["nft", "add table inet hole; add chain inet hole from_outside"
                        " { type filter hook input priority 0; };"
                        f" add rule inet hole from_outside udp sport {PORT} udp length > 1400 counter drop"])

    def vanished():
        said = run(ground.client, ["nft", "list", "table", "inet", "hole"])
        return int(re.search(r"counter packets (\d+)", said).group(1))

    proxy = ground.start()
    host = ground.far.inner4 if inner == "4" else f"[{ground.far.inner6}]"
    url = f"http://{host}/bytes?size={2 * MIB}&seed=1"
    for is_first in (True, False):
        before = vanished()
        data = ground.fetch(url, proxy=proxy, timeout=60)
        assert hashlib.sha256(data).hexdigest() == body.checksum(2 * MIB, 1)
        assert (vanished() > before) == is_first, "later connections ask for less"
    assert "large packets do not arrive" in proxy.log


@pytest.mark.parametrize("outer", ["4", "6"])
def test_a_path_may_become_narrow_in_the_middle(ground, outer):
    """The download that is under way and what comes after it arrive whole."""
    proxy = ground.start(ground.interface(MTU=None)
                         + ground.peer(Endpoint=outer_endpoint(ground, outer)))
    size = 4 * MIB
    with socks.connect(ground.client, proxy.address, ground.far.inner4, 80) as s:
        s.settimeout(90)
        s.sendall(f"GET /paced?size={size}&seconds=2&seed=3 HTTP/1.0\r\n\r\n".encode())
        answer = s.recv(body.CHUNK)
        narrow(ground, NARROW)
        since = time.time()
        answer += b"".join(iter(lambda: s.recv(body.CHUNK), b""))
    assert answer.partition(b"\r\n\r\n")[2] == body.make(size, seed=3)
    transfer(ground, proxy)
    assert all(map(is_fragment, ground.take_leaks()))
    assert longest(ground.finish()[0], since) <= NARROW

# SPDX-License-Identifier: MIT
"""Datagrams: SOCKS5's UDP ASSOCIATE, and forwards both ways."""

import contextlib
import socket
from types import SimpleNamespace

import pytest

from ground import doors, process, socks

pytestmark = pytest.mark.usefixtures("wgproxy")

CLIENT4, CLIENT6 = "10.77.0.2", "fd77::2"
ONE, ADVERTISING, SIX = ("127.0.0.1", 1080), ("127.0.0.1", 1081), ("::1", 1080)
IN, IN_BY_NAME, OUT, OUT_BY_OPTION = 5301, 5302, 8201, 8202  # forwards


@pytest.fixture(scope="module")
def place(shared_ground):
    """One wgproxy with all doors for datagrams, and sockets of the far end to talk to."""
    ground = shared_ground
    path = str(ground.work / "socks.sock")
    sections = (
        "[Proxy]\nBindAddress = 127.0.0.1:1080\nDeny = * port=4444\n"
        "[Proxy]\nBindAddress = 127.0.0.1:1081\nUdpPort = 5300\nUdpAdvertise = 198.51.100.7:5400\n"
        "[Proxy]\nBindAddress = [::1]:1080\n"
        f"[Proxy]\nBindAddress = unix:{path}\n"
        f"[Proxy]\nBindAddress = unix:{path}-with-port\nUdpPort = 1099\n"
        "[Proxy]\nBindAddress = 127.0.0.1:1083\nUDP = no\n"
        "[Proxy]\nBindAddress = 0.0.0.0:1085\nAllowLan = yes\n"
        f"[UDPProxyTunnel]\nBindAddress = 127.0.0.1:{IN}\nTarget = {ground.far.inner4}:7005\nInactivityTimeout = 1\n"
        f"[UDPProxyTunnel]\nBindAddress = 127.0.0.1:{IN_BY_NAME}\nTarget = six.corp.test:7005\n"
        f"[UDPServerTunnel]\nListenPort = {OUT}\nTarget = localhost:9005\n")
    proxy = ground.start(ground.client_conf() + sections, arguments=("-R", f"udp:{OUT_BY_OPTION}:127.0.0.1:9005"))
    # The far end knows where we are only after our first word.
    assert socks.reply_to(ground.client, ONE, ground.far.inner4, 80).code == socks.SUCCEEDED
    with doors.datagrams(ground.far.network, (ground.far.inner4, 7005)) as four, \
            doors.datagrams(ground.far.network, (ground.far.inner6, 7005)) as six:
        yield SimpleNamespace(ground=ground, client=ground.client, far=ground.far, proxy=proxy, path=path, four=four, six=six)


@pytest.fixture(autouse=True)
def nothing_left(request):
    """What an earlier test has sent in vain is none of the next one's business."""
    if "place" in request.fixturenames:
        place = request.getfixturevalue("place")
        for s in (place.four, place.six):
            with contextlib.suppress(BlockingIOError):
                s.setblocking(False)
                while True:
                    s.recv(1)
            s.settimeout(30)


def associate(place, door=ONE, **options):
    return doors.Association(place.client, door, **options)


def goes_through(place, a, word=b"ping"):
    """There and back; returns the association's own address inside."""
    a.send(place.far.inner4, 7005, word)
    got, inside = place.four.recvfrom(65535)
    assert got == word
    place.four.sendto(b"re: " + word, inside)
    assert a.receive() == (place.far.inner4, 7005, b"re: " + word)
    return inside


# UDP ASSOCIATE ----------------------------------------------------------------


def test_the_relay_stands_on_the_port_of_the_proxy_for_all_clients(place):
    with associate(place) as a, associate(place, source="127.0.0.2") as b:
        assert a.at == b.at == ONE
        assert goes_through(place, a, b"a") != goes_through(place, b, b"b")
        assert goes_through(place, a, b"a again")


@pytest.mark.parametrize("host, name", [("inner4", None), ("inner6", None), ("inner4", "four.corp.test"),
                                        ("inner6", "six.corp.test")])
def test_destinations_may_be_addresses_and_names(place, host, name):
    there = place.four if host == "inner4" else place.six
    with associate(place) as a:
        for i in range(3):
            a.send(name or getattr(place.far, host), 7005, b"%d" % i)
            got, inside = there.recvfrom(2048)
            assert got == b"%d" % i
            assert inside[0] == (CLIENT4 if host == "inner4" else CLIENT6)
            there.sendto(b"re", inside)
            assert a.receive() == (getattr(place.far, host), 7005, b"re")


def test_the_largest_datagrams_pass_both_ways(place):
    """In fragments inside: a local datagram of 64 KiB holds the header, too."""
    with associate(place) as a:
        for size in (0, 1, 1372, 1373, 9000, 60000):
            assert goes_through(place, a, bytes(size))


def test_anyone_inside_may_answer_to_an_association(place):
    """Full cone: another port, another host."""
    with associate(place) as a:
        inside = goes_through(place, a)
        for host in (place.far.inner4, place.far.at("2.9")):
            with doors.datagrams(place.far.network, (host, 0)) as stranger:
                stranger.sendto(b"hello", inside)
                assert a.receive() == (*stranger.getsockname(), b"hello")


def test_fragments_are_dropped(place):
    with associate(place) as a:
        for fragment in (1, 127, 128, 255):
            a.send(place.far.inner4, 7005, b"part", fragment=fragment)
        a.send(place.far.inner4, 7005, b"whole")
        assert place.four.recv(2048) == b"whole"


@pytest.mark.parametrize("bad", [b"", b"\0", b"\0\0\0", b"\0\0\0\x01\x0a", b"\0\0\0\x05xxxxxxxx", b"\0\0\0\x03\0\0\x50",
                                 b"\0\0\0\x03\xffshort", b"x" * 40])
def test_what_is_no_datagram_of_socks_is_dropped(place, bad):
    with associate(place) as a:
        a.socket.sendto(bad, a.at)
        goes_through(place, a)


def test_a_denied_destination_gets_nothing(place):
    with associate(place) as a, doors.datagrams(place.far.network, (place.far.inner4, 4444)) as denied:
        a.send(place.far.inner4, 4444, b"no")
        a.send("web.corp.test", 4444, b"no")
        goes_through(place, a)
        denied.settimeout(0.3)
        with pytest.raises(TimeoutError):
            denied.recv(1)


def test_a_datagram_of_another_address_is_a_strangers(place):
    with associate(place) as a, doors.datagrams(place.client, ("127.0.0.3", 0)) as stranger:
        stranger.sendto(b"\0\0\0" + socks.destination(place.far.inner4, 7005) + b"steal", a.at)
        goes_through(place, a)
        stranger.settimeout(0.3)
        with pytest.raises(TimeoutError):
            stranger.recv(1)


def test_associations_of_one_address_are_told_apart_by_their_ports(place):
    with associate(place) as a, associate(place) as b:
        assert goes_through(place, a, b"a") != goes_through(place, b, b"b")
        assert goes_through(place, a, b"a") != goes_through(place, b, b"b")


def test_a_client_that_names_its_port_is_matched_by_it(place):
    with doors.datagrams(place.client, ("127.0.0.1", 0)) as mine, associate(place) as first:
        with associate(place, hint=mine.getsockname()) as named:
            named.socket.close()
            named.socket = mine
            inside = goes_through(place, named)
            assert inside != goes_through(place, first)


def test_an_association_ends_with_its_connection(place):
    a = associate(place)
    inside = goes_through(place, a)
    a.control.close()
    with place.far.network.socket(socket.AF_INET, socket.SOCK_DGRAM) as knocks:
        knocks.settimeout(0.2)
        knocks.connect(inside)

        def is_closed():
            """Its port is nobody's any more: the tunnel's stack says so."""
            with contextlib.suppress(TimeoutError):
                knocks.send(b"anyone?")
                knocks.recv(1)
            return False

        with pytest.raises(ConnectionRefusedError):
            process.wait_until(is_closed, 60, "the association's end")
    with contextlib.suppress(TimeoutError):  # what had come before
        a.socket.settimeout(0.1)
        while a.socket.recv(100):
            pass
    a.send(place.far.inner4, 7005, b"late")
    assert a.is_silent()
    a.socket.close()


def test_the_address_told_is_the_one_that_the_file_advertises(place):
    with associate(place, ADVERTISING) as a:
        assert a.at == ("198.51.100.7", 5400)
        a.at = ("127.0.0.1", 5300)  # where the NAT of this story leads
        goes_through(place, a)


@pytest.mark.parametrize("source, at", [("127.0.0.5", "127.0.0.9"), ("127.0.0.1", "127.0.0.1"), ("192.0.2.1", "192.0.2.1")])
def test_a_door_on_every_address_tells_the_one_that_answers(place, source, at):
    with associate(place, (at, 1085), source=source) as a:
        goes_through(place, a)


def test_clients_over_IPv6_have_it_too(place):
    with associate(place, SIX, source="::1", hint=("::", 0)) as a:
        assert a.at == SIX
        goes_through(place, a)


def ask_at_unix_socket(control, port):
    """The answer to an UDP ASSOCIATE that names a port of ours."""
    control.sendall(b"\x05\x01\x00\x05\x03\x00" + socks.destination("0.0.0.0", port))
    assert socks.exactly(control, 2) == b"\x05\x00"
    return socks.read_reply(control)


def test_clients_over_a_unix_socket_have_it_on_loopback_for_the_port_that_they_name(place):
    """Any other account of the machine can send there, too, and is not heard."""
    with doors.plain(place.client, place.path) as control, \
            doors.datagrams(place.client, ("127.0.0.1", 0)) as s, \
            doors.datagrams(place.client, ("127.0.0.1", 0)) as stranger:
        reply = ask_at_unix_socket(control, s.getsockname()[1])
        assert reply.address == "127.0.0.1"
        head = b"\0\0\0" + socks.destination(place.far.inner4, 7005)
        stranger.sendto(head + b"stranger", (reply.address, reply.port))
        s.sendto(head + b"unix", (reply.address, reply.port))
        got, inside = place.four.recvfrom(65535)
        assert got == b"unix"
        place.four.sendto(b"re", inside)
        assert s.recv(2048).endswith(b"re")


def test_clients_over_a_unix_socket_that_name_no_port_need_a_word_in_the_file(place):
    with doors.plain(place.client, place.path) as control:
        assert ask_at_unix_socket(control, 0).code == 2
    assert "does not name the port" in place.proxy.log
    with doors.plain(place.client, f"{place.path}-with-port") as control, \
            doors.datagrams(place.client, ("127.0.0.1", 0)) as s:
        reply = ask_at_unix_socket(control, 0)
        assert (reply.address, reply.port) == ("127.0.0.1", 1099)
        s.sendto(b"\0\0\0" + socks.destination(place.far.inner4, 7005) + b"first", (reply.address, reply.port))
        got, inside = place.four.recvfrom(65535)
        assert got == b"first"


def test_where_the_file_says_no_it_is_refused(place):
    reply = socks.reply_to(place.client, ("127.0.0.1", 1083), "0.0.0.0", 0, command=3)
    assert reply.code == socks.COMMAND_NOT_SUPPORTED


def test_one_address_has_so_many_associations_and_no_more(place):
    with contextlib.ExitStack() as stack:
        own = [stack.enter_context(associate(place, source="127.0.0.5")) for _ in range(64)]
        assert all(a.reply.code == socks.SUCCEEDED for a in own)
        surplus = stack.enter_context(associate(place, source="127.0.0.5"))
        assert surplus.reply.code == 1
        other = stack.enter_context(associate(place, source="127.0.0.6"))
        assert other.reply.code == socks.SUCCEEDED
        goes_through(place, other)
        own[0].control.close()

        def there_is_room():
            with associate(place, source="127.0.0.5") as again:
                return again.reply.code == socks.SUCCEEDED

        process.wait_until(there_is_room, 30, "room for one more")


def test_a_datagram_that_nobody_takes_hurts_nobody(place):
    """Its port is closed there: an ICMP error comes back, and the association lives on."""
    with associate(place) as a:
        a.send(place.far.inner4, 7002, b"anyone?")
        a.send("203.0.113.5", 53, b"no route")
        a.send("no-such.corp.test", 53, b"no name")
        goes_through(place, a)


# Forwards -------------------------------------------------------------------------


def there_and_back(place, at, there, word=b"ping"):
    """Returns the client's socket and its flow's address inside."""
    s = doors.datagrams(place.client, ("127.0.0.1", 0))
    return s, again(s, at, there, word)


def again(s, at, there, word=b"ping"):
    s.sendto(word, at)
    got, inside = there.recvfrom(65535)
    assert got == word
    there.sendto(b"re: " + word, inside)
    assert s.recvfrom(65535) == (b"re: " + word, at)
    return inside


@pytest.mark.parametrize("port", [IN, IN_BY_NAME])
def test_a_forward_keeps_its_senders_apart(place, port):
    at, there = ("127.0.0.1", port), place.four if port == IN else place.six
    one, one_inside = there_and_back(place, at, there, b"one")
    two, two_inside = there_and_back(place, at, there, b"two")
    with one, two:
        assert one_inside != two_inside
        for size in (0, 1, 1400, 9000, 60000):
            again(one, at, there, bytes(size))
        # Only the target's words come back.
        with doors.datagrams(place.far.network, (place.far.inner4, 0)) as stranger:
            stranger.sendto(b"not mine", (CLIENT4, two_inside[1]))
            again(two, at, there, b"mine")


def test_a_flow_that_is_idle_is_forgotten(place):
    at = ("127.0.0.1", IN)
    s, first = there_and_back(place, at, place.four)
    with s, place.far.network.socket(socket.AF_INET, socket.SOCK_DGRAM) as knocks:
        knocks.settimeout(0.2)
        knocks.connect(first)

        def is_closed():
            with contextlib.suppress(TimeoutError):
                knocks.send(b"anyone?")
                knocks.recv(1)
            return False

        with pytest.raises(ConnectionRefusedError):
            process.wait_until(is_closed, 60, "the flow's end")
        assert again(s, at, place.four) != first


@pytest.mark.parametrize("port", [OUT, OUT_BY_OPTION])
def test_a_forward_out_of_the_tunnel_keeps_its_senders_apart(place, port):
    at = (CLIENT4, port)
    with doors.datagrams(place.client, ("127.0.0.1", 9005)) as here, \
            doors.datagrams(place.far.network, (place.far.inner4, 0)) as one, \
            doors.datagrams(place.far.network, (place.far.at("2.7"), 0)) as two:
        seen = set()
        for s, word in ((one, b"one"), (two, b"two"), (one, b"one again"), (two, bytes(9000))):
            s.sendto(word, at)
            got, sender = here.recvfrom(65535)
            assert got == word
            seen.add(sender)
            here.sendto(b"re: " + word, sender)
            assert s.recvfrom(65535) == (b"re: " + word, at)
        assert len(seen) == 2

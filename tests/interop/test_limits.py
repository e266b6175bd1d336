# SPDX-License-Identifier: MIT
"""Many at once, too many, too slow, too idle, and the end."""

import contextlib
import hashlib
import resource
import socket
import time

import pytest

from ground import body, doors, process, product, services, socks

pytestmark = pytest.mark.usefixtures("wgproxy")

CROWD = 10_000
REPLY = 10  # bytes of a reply of SOCKS5 that has an IPv4 address
LIMIT = "[Limits]\nMaxConnections = 2\n"


def proxy_section(more=""):
    return f"[Proxy]\nBindAddress = 127.0.0.1:1080\n{more}"


def fetch(ground, proxy):
    return ground.fetch(f"http://{ground.far.inner4}/hello", proxy=proxy)


# Many -------------------------------------------------------------------------


@pytest.fixture
def many_descriptors():
    """For this process, the far end's and wgproxy alike. Skips, loudly, where the hard limit forbids.

    It stays raised: a test that failed still holds its sockets, and its logs are to be read."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = CROWD + 500
    if hard != resource.RLIM_INFINITY and hard < need:
        pytest.skip(f"{need} descriptors are needed, and this machine allows {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, need), hard))


def crowd(ground, proxy, size):
    """So many connections to the far end's crowd, opened in steps."""
    all_of_them = []
    request = b"\x05\x01\x00\x05\x01\x00" + socks.destination(ground.far.inner4, 7006)
    with ground.client.inside():
        while len(all_of_them) < size:
            step = [socket.create_connection(proxy.address) for _ in range(250)]
            for s in step:
                s.sendall(request)
            for s in step:
                s.settimeout(120)
                got = socks.exactly(s, 2 + REPLY)
                assert got[3] == socks.SUCCEEDED, got
            all_of_them += step
    return all_of_them


def test_ten_thousand_idle_connections_are_ordinary(ground, many_descriptors):
    proxy = ground.start()
    handles = proxy.handles()  # before anybody came, whose connection may linger
    fetch(ground, proxy)
    memory = proxy.memory()
    all_of_them = crowd(ground, proxy, CROWD)
    assert proxy.handles() >= CROWD
    if not product.is_sanitized():
        assert proxy.memory() - memory < CROWD * 8192
    # Whoever comes now is served, and each of them still lives.
    assert fetch(ground, proxy) == services.HELLO
    for number, s in enumerate(all_of_them):
        s.sendall(b"%05d" % number)
    for number, s in enumerate(all_of_them):
        assert socks.exactly(s, 5) == b"%05d" % number
        s.close()
    process.wait_until(lambda: proxy.handles() <= handles + 2, 60 * product.patience(), "all of them gone")
    assert fetch(ground, proxy) == services.HELLO


# Too many ----------------------------------------------------------------------------


@contextlib.contextmanager
def full_house(ground):
    """A wgproxy whose two places are taken."""
    proxy = ground.start(ground.client_conf() + proxy_section() + LIMIT,
                         arguments=("-L", f"7777:{ground.far.inner4}:7001", "-R", "8101:127.0.0.1:9001"))
    takers = [socks.connect(ground.client, proxy.address, ground.far.inner4, 7001) for _ in range(2)]
    yield proxy, takers
    for s in takers:
        s.close()


def test_clients_of_http_that_rest_do_not_keep_others_out(ground):
    """Browsers hold their connections for the next page; each is worth less than one that is needed now."""
    proxy = ground.start(ground.client_conf() + proxy_section() + LIMIT)
    url = f"http://{ground.far.inner4}/hello"
    page = f"GET {url} HTTP/1.1\r\nHost: {ground.far.inner4}\r\n\r\n".encode()

    def asks(s):
        s.sendall(page)
        got = b""
        while not got.endswith(services.HELLO):
            piece = s.recv(4096)
            assert piece, got
            got += piece
        assert got.startswith(b"HTTP/1.1 200")

    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(doors.plain(ground.client, proxy.address)) for _ in range(2)]
        for s in clients:
            asks(s)
        assert fetch(ground, proxy) == services.HELLO
        assert clients[0].recv(1) == b"", "who has rested longest has made room"
        asks(clients[1])
    assert "turned away" not in proxy.log


def test_nor_do_they_where_descriptors_are_the_limit(ground):
    """Each that comes beyond them is served when it comes, not a minute later."""
    proxy = ground.start(wrapper=("prlimit", "--nofile=60:60"))
    page = f"GET http://{ground.far.inner4}/hello HTTP/1.1\r\nHost: {ground.far.inner4}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            s = stack.enter_context(doors.plain(ground.client, proxy.address))
            s.sendall(page)
            got = b""
            while not got.endswith(services.HELLO):
                piece = s.recv(4096)
                assert piece, got
                got += piece


def test_beyond_the_limit_each_protocol_says_so_and_there_is_room_again(ground):
    host = ground.far.inner4
    with full_house(ground) as (proxy, takers):
        assert socks.reply_to(ground.client, proxy.address, host, 80).code == 1
        s, answer = doors.socks4(ground.client, proxy.address, host, 80)
        s.close()
        assert answer[1] == doors.REJECTED
        s, status = doors.http_connect(ground.client, proxy.address, host, 80)
        s.close()
        assert status.code == 503 and "\n" in status.body
        done = ground.curl("-w", "%{http_code}", f"http://{host}/hello", proxy=proxy, scheme="http")
        assert done.stdout.endswith(b"503")
        assert "2 sessions are running, the limit" in proxy.log
        takers[0].close()

        def is_served():
            return socks.reply_to(ground.client, proxy.address, host, 80).code == socks.SUCCEEDED

        process.wait_until(is_served, 30, "a free place")


def test_beyond_the_limit_forwards_reset(ground):
    with full_house(ground) as (proxy, _):
        at = ("127.0.0.1", 7777)
        with doors.plain(ground.client, at) as one, doors.plain(ground.client, at) as two:
            for s in (one, two):  # the limit is each door's own
                s.sendall(b"x")
            with pytest.raises(ConnectionResetError), doors.plain(ground.client, at) as three:
                assert three.recv(1) != b""
        inside = ("10.77.0.2", 8101)
        with doors.listen(ground.client, ("127.0.0.1", 9001)) as target, \
                doors.plain(ground.far.network, inside), doors.plain(ground.far.network, inside):
            with target.accept()[0], target.accept()[0], \
                    pytest.raises(ConnectionResetError), doors.plain(ground.far.network, inside) as three:
                assert three.recv(1) != b""


# Too slow, too idle ---------------------------------------------------------------------


def test_a_client_that_does_not_greet_is_cut_off(ground):
    proxy = ground.start(ground.client_conf() + proxy_section() + "[Limits]\nGreetingTimeout = 1\n")
    for word in (b"", b"\x05", b"\x05\x01\x00", b"GET http://x/ HT", b"\x04\x01"):
        with doors.plain(ground.client, proxy.address, timeout=60) as s:
            s.sendall(word)
            with contextlib.suppress(ConnectionResetError):
                while s.recv(100):
                    pass


def test_what_is_idle_ends_and_what_is_not_goes_on(ground):
    """Streams of both directions, and associations."""
    proxy = ground.start(ground.client_conf() + proxy_section("IdleTimeout = 8\n"),
                         arguments=("-R", "8101:127.0.0.1:9001"))
    with socks.connect(ground.client, proxy.address, ground.far.inner4, 7001) as idle, \
            doors.Association(ground.client, proxy.address, source="127.0.0.2") as silent, \
            doors.Association(ground.client, proxy.address) as talks, \
            doors.datagrams(ground.far.network, (ground.far.inner4, 7005)) as there:
        talks.send(ground.far.inner4, 7005, b"first")
        inside = there.recvfrom(100)[1]
        idle.settimeout(0.2)
        silent.control.settimeout(0.2)
        ended = set()
        began = time.monotonic()
        while len(ended) < 2:
            assert time.monotonic() - began < 90, "they do not end"
            there.sendto(b"more", inside)
            talks.receive()
            for s in {idle, silent.control} - ended:
                try:
                    assert s.recv(1) == b""
                except ConnectionResetError:
                    pass
                except TimeoutError:
                    continue
                ended.add(s)
        talks.send(ground.far.inner4, 7005, b"last")
        assert there.recv(100) == b"last"
        talks.control.settimeout(60)
        with contextlib.suppress(ConnectionResetError):
            assert talks.control.recv(1) == b"", "now it is idle as well"


def test_a_client_that_vanishes_is_found_out_by_the_system(ground):
    """Its machine was switched off, say: nothing comes, not even a reset. The system asks after it now and then."""
    proxy = ground.start()
    with doors.Association(ground.client, proxy.address):
        show = ["ss", "-Htno", "state", "established", f"( sport = :{proxy.address[1]} )"]
        process.wait_until(lambda: b"timer:(keepalive," in ground.run(show).stdout, 30, "a timer that asks")


def test_a_slow_client_slows_its_own_sender_only(ground):
    """It reads nothing for a while: memory stays bounded, and others are served at speed."""
    proxy = ground.start()
    fetch(ground, proxy)
    size = 64 * body.MIB
    memory = proxy.memory()
    with socks.connect(ground.client, proxy.address, ground.far.inner4, 80) as slow:
        slow.sendall(f"GET /bytes?size={size}&seed=1 HTTP/1.0\r\n\r\n".encode())
        got = ground.fetch(f"http://{ground.far.inner4}/bytes?size={size}&seed=2", proxy=proxy)
        assert hashlib.sha256(got).hexdigest() == body.checksum(size, 2)
        if not product.is_sanitized():
            assert proxy.memory() - memory < 40 * body.MIB
        h, doors_head = hashlib.sha256(), doors.read_head(slow)
        assert doors_head
        while piece := slow.recv(body.CHUNK):
            h.update(piece)
        assert h.hexdigest() == body.checksum(size, 1)


# The end -----------------------------------------------------------------------------------


def test_what_runs_may_end_after_the_first_signal(ground):
    proxy = ground.start(ground.client_conf() + proxy_section() + "[Limits]\nDrainTimeout = 300\n")
    with socks.connect(ground.client, proxy.address, ground.far.inner4, 7001) as s:
        s.settimeout(60)
        s.sendall(b"x")
        proxy.signal()
        proxy.wait_for_log("no new connections")
        with ground.client.socket() as late:
            assert late.connect_ex(proxy.address) != 0
        s.shutdown(socket.SHUT_WR)
        got = b""
        while piece := s.recv(body.CHUNK):
            got += piece
    assert got.startswith(b"1 ") and len(got) > body.MIB
    assert proxy.wait(60) == 0


def test_what_still_runs_after_that_is_ended(ground):
    proxy = ground.start(ground.client_conf() + proxy_section() + "[Limits]\nDrainTimeout = 1\n")
    with doors.listen(ground.far.network, (ground.far.inner4, 7300)) as listener, \
            socks.connect(ground.client, proxy.address, ground.far.inner4, 7300) as s, \
            doors.Association(ground.client, proxy.address) as a:
        there = listener.accept()[0]
        s.sendall(b"x")
        assert there.recv(1) == b"x"
        proxy.signal()
        for end in (s, there):
            end.settimeout(60)
            with pytest.raises(ConnectionResetError):
                assert end.recv(1) != b"", "a clean end"
        with contextlib.suppress(ConnectionResetError):
            assert a.control.recv(1) == b""
    assert proxy.wait(60) == 0

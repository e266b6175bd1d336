# SPDX-License-Identifier: MIT
"""The HTTP proxy: what it passes on, what it keeps to itself, and when it answers."""

import base64
import contextlib
import hashlib
import re
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from ground import body, doors, services

pytestmark = pytest.mark.usefixtures("wgproxy")

PROXY, ASKING = ("127.0.0.1", 1080), ("127.0.0.1", 1081)
WEB = "web.corp.test"


@pytest.fixture(scope="module")
def place(shared_ground):
    ground = shared_ground
    sections = (
        "[Proxy]\nBindAddress = 127.0.0.1:1080\nDeny = * port=9\n"
        "[http]\nBindAddress = 127.0.0.1:1081\nUsername = alice\nPassword = se#cret word\nUsername = bob\nPassword = b\n")
    ground.start(ground.client_conf() + sections)
    return SimpleNamespace(ground=ground, far=ground.far, client=ground.client)


def curl(place, *arguments, proxy="http://127.0.0.1:1080", **options):
    return place.ground.run(["curl", "-q", "-sS", "--max-time", "30", "--proxy", proxy, *arguments], **options)


def body_of(place, *arguments, **options):
    done = curl(place, "--fail", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Raw:
    """A client that writes its own requests."""

    def __init__(self, place, proxy=PROXY):
        self.s = doors.plain(place.client, proxy)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    def send(self, text):
        self.s.sendall(text.encode() if isinstance(text, str) else text)

    def head(self):
        return doors.read_head(self.s).decode()

    def response(self):
        """Status, head and body; with a length, or in chunks."""
        head = self.head()
        length = re.search(r"^content-length: (\d+)", head, re.MULTILINE | re.IGNORECASE)
        got = self._exactly(int(length.group(1))) if length else self._chunks()
        return int(head.split()[1]), head, got

    def _exactly(self, size):
        got = b""
        while len(got) < size:
            piece = self.s.recv(size - len(got))
            assert piece, "it ended early"
            got += piece
        return got

    def _line(self):
        line = b""
        while not line.endswith(b"\r\n"):
            line += self._exactly(1)
        return line

    def _chunks(self):
        got = b""
        while size := int(self._line().split(b";")[0], 16):
            got += self._exactly(size)
            assert self._exactly(2) == b"\r\n"
        while self._line() != b"\r\n":
            pass
        return got

    def is_ended(self):
        return self.s.recv(1) == b""


# What passes --------------------------------------------------------------------


def test_a_client_keeps_its_connection_over_hosts_and_methods(place):
    urls = [f"http://{WEB}/hello", "http://intranet.corp.test/who", f"http://[{place.far.inner6}]/who", f"http://{WEB}/hello"]
    done = curl(place, "-v", "-g", *urls)
    assert done.stdout == services.HELLO + b"::ffff:10.77.0.2\nfd77::2\n" + services.HELLO
    assert done.stderr.count(b"Re-using existing") == 3


def test_a_client_keeps_its_connection_over_failures(place):
    with Raw(place) as c:
        for host, status in (("no-such.corp.test", 502), (WEB, 200), (f"{place.far.inner4}:7002", 502), (WEB, 200),
                             (f"{WEB}:9", 403), ("intranet.corp.test", 200)):
            c.send(f"GET http://{host}/hello HTTP/1.1\r\nHost: {host}\r\n\r\n")
            got = c.response()
            assert got[0] == status, got
            if "close" in got[1]:
                assert c.is_ended()
                c.s = doors.plain(place.client, PROXY)


@contextlib.contextmanager
def counting_server(place, *, answers_each=1000):
    """On port 7301 behind the tunnel: answers with the number of the connection; ends one at the next request then."""
    connections = []

    def serve(s, number):
        with s, s.makefile("rb") as requests, contextlib.suppress(OSError):
            for _ in range(answers_each):
                while requests.readline().strip():
                    pass
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d" % number)
            requests.readline()
            doors.reset(s)

    def work():
        with contextlib.suppress(OSError):
            while True:
                s, _ = listener.accept()
                connections.append(s)
                threading.Thread(target=serve, args=(s, len(connections)), daemon=True).start()

    listener = doors.listen(place.far.network, (place.far.inner4, 7301))
    thread = threading.Thread(target=work)
    thread.start()
    yield f"http://{place.far.inner4}:7301/"
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    listener.close()


def test_the_connection_to_the_server_is_kept_too(place):
    with counting_server(place) as url:
        assert body_of(place, *[url] * 5) == b"11111"
        assert body_of(place, "-H", "Connection: close", url, url) == b"23"
        with Raw(place) as c:
            for method, told in (("GET", b"4"), ("DELETE", b"5"), ("GET", b"5")):
                c.send(f"{method} {url} HTTP/1.1\r\nHost: x\r\n\r\n")
                assert c.response()[2] == told, "what must not be done twice has one of its own"


def test_a_server_that_ends_a_kept_connection_is_asked_again(place):
    """It resets the connection when it sees the second request, so that there is no time to see the end before."""
    with counting_server(place, answers_each=1) as url:
        assert body_of(place, *[url] * 4) == b"1234"


def test_requests_may_come_in_one_piece(place):
    """Pipelining: the answers come in order."""
    with Raw(place) as c:
        request = "{0} http://{1}/who HTTP/1.1\r\nHost: {1}\r\n\r\n"
        c.send(request.format("GET", WEB) + request.format("OPTIONS", "intranet.corp.test") +
               f"POST http://{WEB}/upload HTTP/1.1\r\nHost: {WEB}\r\nContent-Length: 3\r\n\r\nabc" + request.format("GET", WEB))
        got = [c.response()[2] for _ in range(4)]
        assert b"10.77.0.2" in got[0] or b"fd77" in got[0]
        assert got[1] == b"OPTIONS /who HTTP/1.1\n"
        assert got[2].decode().strip() == hashlib.sha256(b"abc").hexdigest()
        assert got[3] == got[0]


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "PATCH", "PROPFIND", "TRACE"])
def test_every_method_passes(place, method):
    data = [] if method in ("TRACE", "OPTIONS") else ["-d", "some data"]
    assert body_of(place, "-X", method, *data, f"http://{WEB}/thing?a=b") == f"{method} /thing?a=b HTTP/1.1\n".encode()


def test_HEAD_has_no_body_and_the_connection_goes_on(place):
    with Raw(place) as c:
        c.send(f"HEAD http://{WEB}/hello HTTP/1.1\r\nHost: {WEB}\r\n\r\n")
        assert f"Content-Length: {len(services.HELLO)}" in c.head()
        c.send(f"GET http://{WEB}/hello HTTP/1.1\r\nHost: {WEB}\r\n\r\n")
        assert c.response()[2] == services.HELLO


@pytest.mark.parametrize("kind", ["bytes", "chunked", "untold"])
def test_bodies_of_every_framing_arrive_whole(place, kind):
    size = 3 * body.MIB + 17
    got = body_of(place, f"http://{place.far.inner4}/{kind}?size={size}&seed=5")
    assert hashlib.sha256(got).hexdigest() == body.checksum(size, 5)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_uploads_of_every_framing_arrive_whole(place, method, chunked):
    size = 3 * body.MIB + 5
    path = place.ground.work / "upload"
    path.write_bytes(b"".join(body.chunks(size, 6)))
    header = ["-H", "Transfer-Encoding: chunked"] if chunked else []
    got = body_of(place, "-X", method, *header, "-T", path, f"http://{place.far.inner4}/upload")
    assert got.decode().strip() == body.checksum(size, 6)


def test_chunks_with_extensions_and_trailers_pass_both_ways(place):
    with Raw(place) as c:
        c.send(f"POST http://{WEB}/upload HTTP/1.1\r\nHost: {WEB}\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3;name=value\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n")
        assert c.response()[2].decode().strip() == hashlib.sha256(b"abc").hexdigest()
        c.send(f"GET http://{WEB}/chunked?size=100 HTTP/1.1\r\nHost: {WEB}\r\n\r\n")
        assert c.response()[2] == body.make(100)


def test_who_waits_for_100_gets_it_from_the_server(place):
    with Raw(place) as c:
        c.send(f"PUT http://{WEB}/upload HTTP/1.1\r\nHost: {WEB}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert c.head().startswith("HTTP/1.1 100 ")
        c.send("abc")
        assert c.response()[2].decode().strip() == hashlib.sha256(b"abc").hexdigest()


def test_who_waits_for_100_may_be_refused_by_the_server(place):
    with Raw(place) as c:
        c.send(f"PUT http://{WEB}/picky HTTP/1.1\r\nHost: {WEB}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert c.response()[0] == 417


def test_a_websocket_passes_without_CONNECT(place):
    with Raw(place) as c:
        key = base64.b64encode(bytes(16)).decode()
        c.send(f"GET http://{WEB}/socket HTTP/1.1\r\nHost: {WEB}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n")
        assert c.head().startswith("HTTP/1.1 101 ")
        c.send(b"\x81\x83\0\0\0\0abc")
        assert c._exactly(5) == b"\x81\x03abc"


def test_a_client_that_ends_its_side_still_gets_its_answer(place):
    with Raw(place) as c:
        c.send(f"GET http://{WEB}/bytes?size=300000 HTTP/1.1\r\nHost: {WEB}\r\n\r\n")
        c.s.shutdown(socket.SHUT_WR)
        assert c.response()[2] == body.make(300000)
        assert c.is_ended()


def serve_once(place, answer, then):
    """A server of one connection, on port 7300 behind the tunnel, that answers without reading to the end."""
    listener = doors.listen(place.far.network, (place.far.inner4, 7300))

    def work():
        s, _ = listener.accept()
        with listener, s, contextlib.suppress(OSError):
            s.recv(100)
            s.sendall(answer)
            then(s)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_an_answer_that_comes_before_the_upload_ended_arrives(place):
    """As of a server that takes no more than so much."""
    path = place.ground.work / "large"
    path.write_bytes(bytes(8 * body.MIB))
    told = threading.Event()
    thread = serve_once(place, b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge",
                        lambda s: told.wait(60))
    done = curl(place, "-H", "Expect:", "-T", path, "-w", "%{http_code}", f"http://{place.far.inner4}:7300/")
    told.set()
    thread.join()
    assert done.stdout == b"large413", done.stderr


@pytest.mark.parametrize("answer", [b"", b"not HTTP at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le", b"\x16\x03\x01\x00"])
def test_a_server_that_does_not_answer_in_HTTP_is_a_bad_gateway(place, answer):
    thread = serve_once(place, answer, lambda s: s.shutdown(socket.SHUT_WR))
    with Raw(place) as c:
        c.send(f"GET http://{place.far.inner4}:7300/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert c.response()[0] == 502
    thread.join()


def test_an_answer_that_breaks_off_is_no_whole_one(place):
    """With a length, the client sees that bytes are missing; without one, it has to see an error."""
    for head in (b"Content-Length: 100\r\n", b"Transfer-Encoding: chunked\r\n", b""):
        data = b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + (b"64\r\nhalf" if b"chunked" in head else b"half")
        told = threading.Event()

        def break_off(s):
            told.wait(60)
            doors.reset(s)

        thread = serve_once(place, data, break_off)
        with Raw(place) as c:
            c.send(f"GET http://{place.far.inner4}:7300/ HTTP/1.1\r\nHost: x\r\n\r\n")
            c.head()
            assert c.s.recv(1)
            told.set()
            with pytest.raises(ConnectionResetError):
                while c.s.recv(100):
                    pass
                pytest.fail("a clean end")
        thread.join()


# What stays -------------------------------------------------------------------------


def test_what_is_for_the_proxy_stays_with_it(place):
    got = body_of(place, "--proxy-user", "bob:b", "-H", "Connection: X-Private", "-H", "X-Private: 1", "-H", "X-Public: 2",
                  "-H", "Keep-Alive: 5", "-H", "TE: trailers", "-H", "Proxy-Connection: keep-alive",
                  f"http://u:p@{place.far.inner4}/headers", proxy="http://127.0.0.1:1081").decode()
    assert got.startswith("GET /headers HTTP/1.1\n")
    assert "X-Public: 2" in got and f"Host: {place.far.inner4}\n" in got
    for word in ("Proxy-", "X-Private", "Ym9iOmI", "Keep-Alive", "TE:"):
        assert word not in got


def test_what_is_for_the_next_hop_stays_there(place):
    got = curl(place, "-i", f"http://{WEB}/hops").stdout.decode()
    assert "X-End: 2" in got
    for word in ("X-Hop", "Keep-Alive: timeout=9", "Proxy-Connection"):
        assert word not in got


# Who may come in -----------------------------------------------------------------------


def test_the_password_is_asked_for_and_the_connection_goes_on(place):
    done = curl(place, "-v", "--proxy-anyauth", "--proxy-user", "alice:se#cret word", f"http://{WEB}/hello",
                proxy="http://127.0.0.1:1081")
    assert done.stdout == services.HELLO
    said = done.stderr.decode()
    assert "407 Proxy Authentication Required" in said and "Proxy-Authenticate: Basic realm=" in said
    assert "Re-using existing" in said


@pytest.mark.parametrize("request_line", [f"CONNECT {WEB}:80", f"GET http://{WEB}/hello"])
def test_without_the_password_there_is_407_and_nothing_else(place, request_line):
    for given in ("", "Basic !!!", "Basic " + base64.b64encode(b"alice:wrong").decode(), "Bearer x",
                  "Basic " + base64.b64encode(b"nobody:b").decode()):
        with Raw(place, ASKING) as c:
            field = f"Proxy-Authorization: {given}\r\n" if given else ""
            c.send(f"{request_line} HTTP/1.1\r\nHost: {WEB}\r\n{field}\r\n")
            assert c.response()[0] == 407
            # The same connection, with the password.
            word = base64.b64encode(b"bob:b").decode()
            c.send(f"{request_line} HTTP/1.1\r\nHost: {WEB}\r\nProxy-Authorization: Basic {word}\r\n\r\n")
            assert c.head().startswith("HTTP/1.1 200 ")


# When it answers ------------------------------------------------------------------------


def test_200_comes_no_sooner_than_the_connection(ground):
    """A port that says nothing at all: for two seconds the client hears nothing either, and then why not."""
    ground.start(ground.client_conf() + "[Proxy]\nBindAddress = 127.0.0.1:1080\n[Limits]\nConnectTimeout = 2\n")
    with doors.plain(ground.client, PROXY, timeout=60) as s:
        began = time.monotonic()
        s.sendall(f"CONNECT {ground.far.at('9.1')}:80 HTTP/1.1\r\n\r\n".encode())
        first = s.recv(1)
        assert time.monotonic() - began >= 1.9
        assert (first + doors.read_head(s)).startswith(b"HTTP/1.1 504 ")


def test_what_a_client_sends_ahead_arrives_behind_the_connection(place):
    with Raw(place) as c:
        c.send(f"CONNECT {WEB}:80 HTTP/1.1\r\nHost: {WEB}\r\n\r\nGET /hello HTTP/1.1\r\nHost: {WEB}\r\n\r\n")
        assert c.head().startswith("HTTP/1.1 200 ")
        assert c.response()[2] == services.HELLO


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "GET ftp://host/ HTTP/1.1", f"CONNECT {WEB} HTTP/1.1", "nonsense",
                                  f"GET http://{WEB}/ HTTP/2.0", f"CONNECT {WEB}:0 HTTP/1.1"])
def test_what_is_no_request_for_a_proxy_is_told_so(place, line):
    with Raw(place) as c:
        c.send(f"{line}\r\nHost: {WEB}\r\n\r\n" if line != "nonsense" else "GET\r\n\r\n")
        status, _, text = c.response()
        assert status in (400, 501, 505)
        assert text.endswith(b"\n") and text.count(b"\n") == 1

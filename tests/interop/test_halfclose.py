# SPDX-License-Identifier: MIT
"""How a connection ends, on every door: the end of one direction, and a reset."""

import contextlib
import hashlib
import socket
import sys
import threading
from types import SimpleNamespace

import pytest

from ground import body, doors, process, product, services, socks

pytestmark = pytest.mark.usefixtures("wgproxy")

SIZE = 8 * body.MIB
ANSWER = 7001  # the port that reads to the end, and the seed of what it says then
RESETS = 7004
HERE, HERE_UNIX = 8101, 8102  # ports of ours in the tunnel, whose targets are here
CLIENT = "10.77.0.2"


@pytest.fixture(scope="module")
def place(shared_ground):
    """One wgproxy with every door, and what the tests need to know of it."""
    ground, far = shared_ground, shared_ground.far.inner4
    path = str(ground.work / "half.sock")
    target_path = str(ground.work / "target.sock")
    sections = (
        "[Proxy]\nBindAddress = 127.0.0.1:1080\n"
        f"[SNI]\nBindAddress = 127.0.0.1:8443\nPort = {ANSWER}\n"
        f"[SNI]\nBindAddress = 127.0.0.1:8444\nPort = {RESETS}\n")
    proxy = ground.start(ground.client_conf() + sections, arguments=(
        "-L", f"7777:{far}:{ANSWER}", "-L", f"unix:{path}:{far}:{ANSWER}", "-L", f"7778:{far}:{RESETS}",
        "-R", f"{HERE}:127.0.0.1:9001", "-R", f"{HERE_UNIX}:unix:{target_path}"))
    # The far end knows where we are only after our first word.
    socks.connect(ground.client, proxy.address, far, 80).close()
    return SimpleNamespace(ground=ground, proxy=proxy, client=ground.client, far=ground.far, path=path,
                           target_path=target_path)


# Ways in: each returns an open stream to a port of the far end, and what the door itself put in front.


def by_socks5(place, port):
    return socks.connect(place.client, place.proxy.address, place.far.inner4, port), b""


def by_socks4(place, port):
    s, answer = doors.socks4(place.client, place.proxy.address, place.far.inner4, port)
    assert answer[1] == doors.GRANTED
    return s, b""


def by_http(place, port):
    s, status = doors.http_connect(place.client, place.proxy.address, "web.corp.test", port)
    assert status.code == 200
    return s, b""


def by_forward(place, port):
    return doors.plain(place.client, ("127.0.0.1", {ANSWER: 7777, RESETS: 7778}[port])), b""


def by_unix(place, port):
    return doors.plain(place.client, place.path), b""


def by_sni(place, port):
    # Who resumes does not wait for an answer: ChangeCipherSpec follows in the same breath.
    hello = doors.client_hello("web.corp.test") + b"\x14\x03\x03\x00\x01\x01"
    s = doors.plain(place.client, ("127.0.0.1", {ANSWER: 8443, RESETS: 8444}[port]))
    s.sendall(hello)
    return s, hello


WAYS = [by_socks5, by_socks4, by_http, by_forward, by_sni]


def ask(s, ahead=b""):
    """8 MiB, the end of file, and only then the answer is read. Returns it, and the checksum of the request."""
    h, got = hashlib.sha256(ahead), b""
    s.settimeout(60)
    for chunk in body.chunks(SIZE, 3):
        s.sendall(chunk)
        h.update(chunk)
    s.shutdown(socket.SHUT_WR)
    while piece := s.recv(body.CHUNK):
        got += piece
    return got, f"{SIZE + len(ahead)} {h.hexdigest()}"


def check(answer, request):
    line, rest = answer.split(b"\n", 1)
    assert line.decode() == request
    assert hashlib.sha256(rest).hexdigest() == body.checksum(body.MIB, ANSWER)


def answer(listener):
    """Be the one that reads to the end and answers then, once."""
    s, _ = listener.accept()
    with s:
        s.settimeout(60)
        s.sendall(services.read_to_end(s))
        for chunk in body.chunks(body.MIB, ANSWER):
            s.sendall(chunk)


def in_background(work, *arguments):
    thread = threading.Thread(target=work, args=arguments)
    thread.start()
    return thread


# Half-close ---------------------------------------------------------------


@pytest.mark.parametrize("way", [*WAYS, by_unix])
def test_the_answer_comes_after_the_request_ended(place, way):
    s, ahead = way(place, ANSWER)
    with s:
        check(*ask(s, ahead))


def test_the_answer_comes_after_the_input_of_W_ended(ground):
    path = ground.work / "stdio.conf"
    path.write_text(ground.client_conf())
    path.chmod(0o600)
    sent = b"".join(body.chunks(SIZE, 3))
    done = ground.run([*process.UNPRIVILEGED, product.binary(), "-c", path, "-W",
                       f"{ground.far.inner4}:{ANSWER}"], input=sent, timeout=120)
    assert done.returncode == 0 and done.stderr == b""
    check(done.stdout, f"{SIZE} {body.checksum(SIZE, 3)}")


@pytest.mark.parametrize("port", [HERE, HERE_UNIX])
def test_the_answer_comes_after_the_request_from_inside_ended(place, port):
    at = ("127.0.0.1", 9001) if port == HERE else place.target_path
    with doors.listen(place.client, at) as listener, doors.plain(place.far.network, (CLIENT, port)) as s:
        thread = in_background(answer, listener)
        check(*ask(s))
        thread.join()


def bind(place, version):
    """A port of ours in the tunnel, and the stream that who comes there will be on."""
    if version == 5:
        s, reply = socks.request(place.client, place.proxy.address, place.far.inner4, 0, command=2)
        assert reply.code == socks.SUCCEEDED
        return s, (reply.address, reply.port)
    s, said = doors.socks4(place.client, place.proxy.address, place.far.inner4, 0, command=2)
    assert said[1] == doors.GRANTED
    return s, (socket.inet_ntoa(said[4:]), int.from_bytes(said[2:4], "big"))


def second_reply(s, version):
    """Who came."""
    if version == 5:
        reply = socks.read_reply(s)
        assert reply.code == socks.SUCCEEDED
        return reply.address, reply.port
    said = socks.exactly(s, 8)
    assert said[:2] == bytes([0, doors.GRANTED])
    return socket.inet_ntoa(said[4:]), int.from_bytes(said[2:4], "big")


@pytest.mark.parametrize("version", [5, 4])
@pytest.mark.parametrize("asks", ["client", "caller"])
def test_the_answer_comes_after_the_request_over_BIND_ended(place, version, asks):
    s, at = bind(place, version)
    assert at[0] == CLIENT
    with s, doors.plain(place.far.network, at) as caller:
        assert second_reply(s, version) == caller.getsockname()[:2]
        one, other = (s, caller) if asks == "client" else (caller, s)
        thread = in_background(answer, SimpleNamespace(accept=lambda: (other, None)))
        check(*ask(one))
        thread.join()


def test_BIND_lets_nobody_else_in_and_the_one_still_comes(place):
    s, at = bind(place, 5)
    with s:
        with place.far.network.socket() as stranger:
            stranger.bind((place.far.at("2.9"), 0))
            stranger.settimeout(30)
            with pytest.raises(ConnectionResetError):
                stranger.connect(at)
                stranger.recv(1)
        with doors.plain(place.far.network, at) as caller:
            assert second_reply(s, 5) == caller.getsockname()[:2]
            caller.sendall(b"x")
            assert s.recv(1) == b"x"


def test_BIND_waits_at_the_address_of_its_callers_family(place):
    for host, own in ((place.far.inner6, "fd77::2"), ("six.corp.test", "fd77::2"), ("::", CLIENT), ("0.0.0.0", CLIENT)):
        s, reply = socks.request(place.client, place.proxy.address, host, 0, command=2)
        with s:
            assert reply.code == socks.SUCCEEDED and reply.address == own
            with doors.plain(place.far.network, (own, reply.port)) as caller:
                assert second_reply(s, 5) == caller.getsockname()[:2]
                caller.sendall(b"x")
                assert s.recv(1) == b"x"


def test_a_way_out_begins_at_either_of_our_addresses(place):
    for own in (CLIENT, "fd77::2"):
        with doors.listen(place.client, ("127.0.0.1", 9001)) as target, doors.plain(place.far.network, (own, HERE)) as s:
            there = target.accept()[0]
            with there:
                s.sendall(b"x")
                assert there.recv(1) == b"x"


# The program's own end -------------------------------------------------------

LAST = 256 * 1024  # more than the far end takes before it reads
OVER = "both sides finished"  # in the log: the flow has ended here, which is what keeps nothing running


def hear_out(listener, log, heard):
    """End our side at once, like a server that has nothing to say, and read only when the flow is over for wgproxy."""
    s, _ = listener.accept()
    with s:
        s.settimeout(60)
        s.shutdown(socket.SHUT_WR)
        process.wait_until(lambda: OVER in log(), 60, OVER)
        with contextlib.suppress(OSError):
            while piece := s.recv(body.CHUNK):
                heard.append(piece)


@contextlib.contextmanager
def listener_that_hears_out(ground, log):
    with doors.listen(ground.far.network, ("0.0.0.0", 7102)) as listener:
        heard = []
        thread = in_background(hear_out, listener, log, heard)
        yield
        thread.join()
    assert len(b"".join(heard)) == LAST and b"".join(heard) == b"".join(body.chunks(LAST, 5))


SAY = """
import os, socket, sys
host, port = os.environ["ALL_PROXY"].rsplit("/", 1)[1].split(":")
s = socket.create_connection((host, int(port)))
s.sendall(b"\\5\\1\\0\\5\\1\\0\\1" + socket.inet_aton(sys.argv[1]) + (7102).to_bytes(2, "big"))
got = b""
while len(got) < 12:
    got += s.recv(12 - len(got))
s.sendall(open(sys.argv[2], "rb").read())
"""


@pytest.mark.parametrize("how", ["-W", "--"])
def test_what_was_said_last_arrives_before_the_program_ends(ground, how):
    path, log, words = ground.work / "last.conf", ground.work / "last.log", ground.work / "words"
    path.write_text(ground.client_conf())
    path.chmod(0o600)
    words.write_bytes(b"".join(body.chunks(LAST, 5)))
    log.touch()
    target = f"{ground.far.inner4}:7102"
    last = ["-W", target] if how == "-W" else ["--", sys.executable, "-c", SAY, ground.far.inner4, words]
    with listener_that_hears_out(ground, log.read_text), words.open("rb") as given, log.open("wb") as said:
        done = ground.run([*process.UNPRIVILEGED, product.binary(), "-v", "-c", path, *last], stdin=given, stderr=said,
                          timeout=120)
    assert done.returncode == 0, log.read_text()


def test_what_was_said_last_arrives_before_a_signal_ends_the_program(ground):
    proxy = ground.start(arguments=("-v",))
    with listener_that_hears_out(ground, lambda: proxy.log if "what runs has" in proxy.log else ""):
        with socks.connect(ground.client, proxy.address, ground.far.inner4, 7102) as s:
            for chunk in body.chunks(LAST, 5):
                s.sendall(chunk)
        proxy.wait_for_log(OVER)
        proxy.signal()
    assert proxy.wait(60) == 0


# Reset -----------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_reset_by_the_target_is_a_reset_here(place, way):
    s, ahead = way(place, RESETS)
    with s:
        if not ahead:
            s.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            assert s.recv(1) != b"", "a clean end"


def refuse_early(listener):
    """Like a server for which the request is too large: it says so, and closes over what it has not read."""
    s, _ = listener.accept()
    s.recv(1)
    s.sendall(b"too large\n")
    s.close()


@pytest.mark.parametrize("way", [by_socks5, by_socks4, by_http])
def test_what_was_said_before_a_reset_is_heard_before_it(place, way):
    with doors.listen(place.far.network, ("0.0.0.0", 7101)) as listener:
        for _ in range(10):
            thread = in_background(refuse_early, listener)
            s, _ = way(place, 7101)
            got = b""
            with s:
                s.settimeout(20)
                with contextlib.suppress(ConnectionResetError):
                    s.sendall(bytes(300_000))
                with pytest.raises(ConnectionResetError):
                    while piece := s.recv(100):
                        got += piece
            thread.join()
            assert got == b"too large\n"


def ends_with_a_reset(s):
    s.settimeout(60)
    try:
        while s.recv(body.CHUNK):
            pass
    except ConnectionResetError:
        return True
    return False


@pytest.mark.parametrize("way", [by_socks5, by_socks4, by_http])
def test_a_reset_by_the_client_is_a_reset_there(place, way):
    with doors.listen(place.far.network, ("0.0.0.0", 7100)) as listener:
        s, _ = way(place, 7100)
        there, _ = listener.accept()
        with there:
            s.sendall(b"x")
            assert there.recv(1) == b"x"
            doors.reset(s)
            assert ends_with_a_reset(there)


@pytest.mark.parametrize("who", ["caller", "target"])
def test_a_reset_on_a_way_out_goes_through(place, who):
    with doors.listen(place.client, ("127.0.0.1", 9001)) as listener:
        caller = doors.plain(place.far.network, (CLIENT, HERE))
        target, _ = listener.accept()
        caller.sendall(b"x")
        target.settimeout(30)
        assert target.recv(1) == b"x"
        one, other = (caller, target) if who == "caller" else (target, caller)
        doors.reset(one)
        with other:
            assert ends_with_a_reset(other)


@pytest.mark.parametrize("port", [HERE, HERE_UNIX])
def test_a_target_that_is_not_there_resets_the_caller(place, port):
    with pytest.raises(ConnectionResetError), doors.plain(place.far.network, (CLIENT, port)) as caller:
        assert caller.recv(1) != b"", "a clean end"

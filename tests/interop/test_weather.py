# SPDX-License-Identifier: MIT
"""Bad weather between wgproxy and its peer: datagrams lost, doubled, late, overtaken, and a NAT
that forgets. Every byte still arrives, only later."""

import hashlib
import socket
import time

import pytest

from ground import body, services, socks
from ground.body import KIB, MIB
from ground.process import wait_until
from ground.weather import Weather

pytestmark = pytest.mark.usefixtures("wgproxy")

PARALLEL = 20


@pytest.fixture
def weather(ground):
    """A clear sky to begin with; the tests change it."""
    weather = Weather(ground)
    yield weather
    weather.stop()


@pytest.fixture
def proxy(ground, weather):
    return ground.start(ground.interface() + ground.peer(Endpoint=weather.endpoint))


def download(ground, proxy, size, seed=0, timeout=120):
    url = f"http://{ground.far.inner4}/bytes?size={size}&seed={seed}"
    data = ground.fetch(url, proxy=proxy, timeout=timeout)
    assert hashlib.sha256(data).hexdigest() == body.checksum(size, seed)


def upload(ground, proxy, size, seed=0, timeout=120):
    path = ground.work / f"upload{seed}"
    path.write_bytes(body.make(size, seed))
    answer = ground.curl("--fail", "-T", path, f"http://{ground.far.inner4}/upload",
                         proxy=proxy, timeout=timeout)
    assert answer.stdout.decode().strip() == body.checksum(size, seed), answer.stderr


def many_at_once(ground, proxy, timeout=120):
    """Small answers, each its own."""
    config = ground.work / "urls"
    config.write_text("".join(
        f'url = "http://web.corp.test/bytes?size={10 * KIB + n}&seed={n}"\n'
        f'output = "{ground.work}/answer{n}"\n' for n in range(PARALLEL)))
    done = ground.curl("--fail", "--parallel", "--parallel-immediate", "-K", config,
                       proxy=proxy, timeout=timeout)
    assert done.returncode == 0, done.stderr
    for n in range(PARALLEL):
        assert (ground.work / f"answer{n}").read_bytes() == body.make(10 * KIB + n, n)


@pytest.mark.parametrize("rules, down, up", [
    # What goes up waits for whole seconds after each loss: less of it, for the time it takes.
    ({"loss": 10}, 2 * MIB, 256 * KIB),
    ({"duplicate": 50}, 8 * MIB, 8 * MIB),
    ({"delay": 50, "jitter": 5}, 2 * MIB, 512 * KIB),
    ({"loss": 1, "duplicate": 5, "delay": 10, "jitter": 1, "rate": 20_000_000}, 2 * MIB, MIB),
], ids=["10 % loss", "duplication", "delay and reordering", "some of all"])
def test_everything_arrives_in_bad_weather(ground, weather, proxy, rules, down, up):
    weather.change(**rules)
    assert ground.fetch("http://web.corp.test/hello", proxy=proxy) == services.HELLO
    many_at_once(ground, proxy)
    download(ground, proxy, down, seed=1)
    upload(ground, proxy, up, seed=2)
    if "loss" in rules:
        assert all(n > 10 for n in weather.counts()["dropped"]), "the sky was clear: nothing is proven"


def sent(weather):
    return weather.counts()["carried"][0]


def test_an_upload_survives_nats_that_forget(ground, weather, proxy):
    """What we send shows the far end where we are now; no connection notices."""
    with socks.connect(ground.client, proxy.address, ground.far.inner4, 7001) as s:
        request = body.make(3 * MIB, seed=3)
        for at in range(0, len(request), MIB):
            weather.rebind()
            before = sent(weather)
            s.sendall(request[at : at + MIB])
            wait_until(lambda: sent(weather) > before, 60, "something goes up")
        s.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: s.recv(body.CHUNK), b""))
    line, _, rest = answer.partition(b"\n")
    assert line.decode() == f"{len(request)} {hashlib.sha256(request).hexdigest()}"
    assert rest == body.make(MIB, seed=7001)
    assert len(ground.finish()[0].client_ports()) == 4


def test_a_download_survives_a_nat_that_forgets(ground, weather):
    """Nothing reaches us any more, so only a keepalive tells the far end where we are."""
    proxy = ground.start(ground.interface()
                         + ground.peer(Endpoint=weather.endpoint, PersistentKeepalive=1))
    size, seconds = MIB, 3
    with socks.connect(ground.client, proxy.address, ground.far.inner4, 80) as s:
        s.settimeout(90)
        s.sendall(f"GET /paced?size={size}&seconds={seconds}&seed=4 HTTP/1.0\r\n\r\n".encode())
        answer = s.recv(body.CHUNK)
        weather.rebind()
        answer += b"".join(iter(lambda: s.recv(body.CHUNK), b""))
    assert answer.partition(b"\r\n\r\n")[2] == body.make(size, seed=4)
    assert len(ground.finish()[0].client_ports()) == 2


def test_a_storm_that_passes_leaves_no_trace(ground, weather, proxy):
    """Nothing at all is carried for some seconds in the middle of a download."""
    size = 2 * MIB
    with socks.connect(ground.client, proxy.address, ground.far.inner4, 80) as s:
        s.settimeout(90)
        s.sendall(f"GET /paced?size={size}&seconds=2&seed=5 HTTP/1.0\r\n\r\n".encode())
        answer = s.recv(body.CHUNK)
        weather.change(loss=100)
        time.sleep(3)  # the storm's own length
        weather.change(loss=0)
        answer += b"".join(iter(lambda: s.recv(body.CHUNK), b""))
    assert answer.partition(b"\r\n\r\n")[2] == body.make(size, seed=5)
    assert sum(weather.counts()["dropped"]) > 0

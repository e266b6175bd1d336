# SPDX-License-Identifier: MIT
"""Bytes through wgproxy: all of them, in order, whatever else goes on."""

import hashlib
import socket
import threading
import time

import pytest

from ground import body, doors, product, socks
from ground.body import KIB, MIB

pytestmark = pytest.mark.usefixtures("wgproxy")


def checksum_of_download(ground, proxy, url, timeout):
    """Through a pipe: neither this process nor the disk has to hold the body."""
    curl = ["curl", "-q", "-sS", "--fail", "--max-time", timeout,
            "--proxy", proxy.url(), url]
    done = ground.run(["sh", "-c", '"$@" | sha256sum', "sh", *curl], timeout + 10)
    assert not done.stderr, done.stderr
    return done.stdout.split()[0].decode()


def download(ground, proxy, size, seed=0, timeout=120):
    url = f"http://{ground.far.inner4}/bytes?size={size}&seed={seed}"
    assert checksum_of_download(ground, proxy, url, timeout) == body.checksum(size, seed)


def upload(ground, proxy, size, seed=0, timeout=120):
    path = ground.work / f"upload{seed}"
    with open(path, "wb") as f:
        f.writelines(body.chunks(size, seed))
    answer = ground.curl("--fail", "-T", path, f"http://{ground.far.inner4}/upload",
                         proxy=proxy, timeout=timeout)
    assert answer.stdout.decode().strip() == body.checksum(size, seed), answer.stderr


def memory_bound():
    """A sanitizer keeps what was freed for a while."""
    return (1024 if product.is_sanitized() else 128) * MIB


def open_flow(ground, proxy, port):
    return socks.connect(ground.client, proxy.address, ground.far.inner4, port)


def read_to_end(s):
    data = bytearray()
    while piece := s.recv(body.CHUNK):
        data += piece
    return bytes(data)


def test_256_mib_come_down_unharmed(ground):
    download(ground, ground.start(), 256 * MIB, timeout=240)


def test_256_mib_go_up_unharmed(ground):
    upload(ground, ground.start(), 256 * MIB, timeout=240)


def test_both_directions_at_once_do_not_starve_each_other(ground):
    proxy = ground.start()
    size = 16 * MIB
    path = ground.work / "both"
    path.write_bytes(body.make(size, 2))
    done = ground.curl(
        "--fail", "--parallel", "--parallel-immediate",
        "-T", path, f"http://{ground.far.inner4}/upload", "-o", ground.work / "up",
        f"http://{ground.far.inner4}/bytes?size={size}&seed=1", "-o", ground.work / "down",
        proxy=proxy,
    )
    assert done.returncode == 0, done.stderr
    assert (ground.work / "down").read_bytes() == body.make(size, 1)
    assert (ground.work / "up").read_text().strip() == body.checksum(size, 2)


@pytest.mark.parametrize("size", [0, 1, 1359, 1360, 1361, 64 * KIB - 1, 64 * KIB + 1])
def test_sizes_around_the_edges_arrive_whole(ground, size):
    proxy = ground.start()
    download(ground, proxy, size, seed=size)
    upload(ground, proxy, size, seed=size)


def test_200_parallel_requests_all_get_their_own_answer(ground):
    proxy = ground.start()
    size, count = 50 * KIB + 7, 200
    lines = []
    for seed in range(count):
        url = f"http://{ground.far.inner4}/bytes?size={size + seed}&seed={seed}"
        lines += [f'url = "{url}"', f'output = "{ground.work}/answer{seed}"']
    config = ground.work / "urls"
    config.write_text("\n".join(lines))
    done = ground.curl("--fail", "--parallel", "--parallel-immediate",
                       "--parallel-max", count, "-K", config, proxy=proxy, timeout=150)
    assert done.returncode == 0, done.stderr
    for seed in range(count):
        answer = (ground.work / f"answer{seed}").read_bytes()
        assert hashlib.sha256(answer).hexdigest() == body.checksum(size + seed, seed)


def test_an_answer_comes_after_the_request_was_closed_for_writing(ground):
    proxy = ground.start()
    request = body.make(8 * MIB, seed=9)
    with open_flow(ground, proxy, 7001) as s:
        s.sendall(request)
        s.shutdown(socket.SHUT_WR)
        answer = read_to_end(s)
    line, _, rest = answer.partition(b"\n")
    assert line.decode() == f"{len(request)} {hashlib.sha256(request).hexdigest()}"
    assert rest == body.make(MIB, seed=7001)


def test_a_reset_behind_the_tunnel_is_a_reset_here(ground):
    proxy = ground.start()
    with open_flow(ground, proxy, 7004) as s:
        s.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            s.recv(1)


def test_a_slow_reader_behind_the_tunnel_holds_back_only_its_own_flow(ground):
    """It reads nothing until others have been served."""
    proxy = ground.start()
    request = body.make(40 * MIB, seed=3)
    fed = threading.Event()
    with doors.listen(ground.far.network, (ground.far.inner4, 7300)) as listener, \
            open_flow(ground, proxy, 7300) as s:
        reader = listener.accept()[0]

        def feed():
            s.sendall(request)
            s.shutdown(socket.SHUT_WR)
            fed.set()

        feeder = threading.Thread(target=feed)
        feeder.start()
        with reader:
            download(ground, proxy, 8 * MIB)
            assert not fed.is_set(), "all of it was taken at once: nothing is proven"
            assert proxy.memory() < memory_bound()
            reader.settimeout(120)
            assert read_to_end(reader) == request
        feeder.join()


def test_a_slow_client_holds_back_only_its_own_flow(ground):
    proxy = ground.start()
    size = 24 * MIB
    with open_flow(ground, proxy, 80) as s:
        s.sendall(f"GET /bytes?size={size}&seed=4 HTTP/1.0\r\n\r\n".encode())
        time.sleep(2)  # the client's own slowness
        download(ground, proxy, 8 * MIB)
        assert proxy.memory() < memory_bound()
        answer = read_to_end(s)
    assert answer.partition(b"\r\n\r\n")[2] == body.make(size, seed=4)


@pytest.mark.parametrize("aead", ["ipsec-mb-avx512", "ipsec-mb-avx2", "libsodium"])
@pytest.mark.parametrize("workers", [0, 2])
def test_each_aead_alone_and_with_helpers_moves_the_same_bytes(ground, aead, workers):
    known = ground.run([product.binary(), "--aead", aead, "--version"])
    if known.returncode == 2:
        pytest.skip(known.stderr.decode().strip())
    proxy = ground.start(
        ground.interface() + ground.peer() + f"[Limits]\nWorkers = {workers}\n[Proxy]\nBindAddress = 1080\n",
        arguments=("--aead", aead, "-i", "9080"))
    metrics = ground.fetch("http://127.0.0.1:9080/metrics").decode()
    assert f"aead={aead}\nworkers={workers}\n" in metrics
    download(ground, proxy, 16 * MIB, seed=1)
    upload(ground, proxy, 16 * MIB, seed=2)

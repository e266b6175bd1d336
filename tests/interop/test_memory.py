# SPDX-License-Identifier: MIT
"""A whole session under valgrind: no error, nothing lost."""

import shutil

import pytest

from ground import body, product, services, socks
from ground.body import KIB, MIB

pytestmark = pytest.mark.usefixtures("wgproxy")

FOUND_SOMETHING = 99
VALGRIND = (
    "valgrind", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
    "--errors-for-leak-kinds=definite,indirect,possible", "--track-fds=no",
    f"--error-exitcode={FOUND_SOMETHING}",
)


@pytest.fixture
def valgrind():
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")
    if product.is_sanitized():
        pytest.skip("valgrind cannot run a program that has a sanitizer of its own")


def test_a_whole_session_leaks_nothing_and_touches_nothing_foreign(ground, valgrind):
    proxy = ground.launch(wrapper=VALGRIND)
    proxy.wait_ready(120)
    url = f"http://{ground.far.inner4}"
    size = 2 * MIB
    assert ground.fetch(f"{url}/bytes?size={size}", proxy=proxy) == body.make(size)
    path = ground.work / "upload"
    path.write_bytes(body.make(size, 1))
    answer = ground.curl("--fail", "-T", path, f"{url}/upload", proxy=proxy).stdout
    assert answer.decode().strip() == body.checksum(size, 1)
    for name in ("web.corp.test", "alias.corp.test", "six.corp.test", "truncated.corp.test"):
        assert ground.fetch(f"http://{name}/hello", proxy=proxy) == services.HELLO
    for host, port in ((ground.far.inner4, 7002), ("203.0.113.5", 80),
                       ("no-such.corp.test", 80), (ground.far.at("8.1"), 80)):
        reply = socks.reply_to(ground.client, proxy.address, host, port)
        assert reply.code != socks.SUCCEEDED
    parallel(ground, proxy, 10)
    # Some flows are open and some are half-way when the end comes.
    flow = socks.connect(ground.client, proxy.address, ground.far.inner4, 80)
    flow.sendall(b"GET /bytes?size=10000000 HTTP/1.0\r\n\r\n")
    flow.recv(1)
    proxy.signal()
    code = proxy.wait(120)
    flow.close()
    assert code == 0, f"exit code {code}:\n{proxy.log}"
    assert "ERROR SUMMARY: 0 errors" in proxy.log


def parallel(ground, proxy, count):
    urls = []
    for seed in range(count):
        url = f"http://{ground.far.inner4}/bytes?size={100 * KIB}&seed={seed}"
        urls += [url, "-o", ground.work / f"part{seed}"]
    done = ground.curl("--fail", "--parallel", *urls, proxy=proxy)
    assert done.returncode == 0, done.stderr
    for seed in range(count):
        part = (ground.work / f"part{seed}").read_bytes()
        assert part == body.make(100 * KIB, seed)

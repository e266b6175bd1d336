# SPDX-License-Identifier: MIT
"""Each way to fail has its own true answer (RFC 1928 section 6). What takes long by its nature is waited for side by side."""

import contextlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from conftest import judged_ground
from ground import doors, process, services, socks

pytestmark = pytest.mark.usefixtures("wgproxy")

BND_ADDR_NONE = b"\x01\0\0\0\0\0\0"


def ask(ground, proxy, host, port=80, **options):
    return socks.reply_to(ground.client, proxy.address, host, port, **options)


@pytest.fixture(scope="module")
def waits():
    """Does something in a thread of its own: the result is asked for when it is needed."""
    with ThreadPoolExecutor(max_workers=32) as pool:
        yield pool.submit


@pytest.fixture(scope="module")
def long_waits(private_machine, wgproxy, waits):
    """What ends by wgproxy's own times alone, each on a ground of its own."""
    new_ground = contextlib.contextmanager(judged_ground)
    with new_ground() as filtered, new_ground() as silent:
        filtered.add_far()
        a_filtered_port = waits(ask, filtered, filtered.start(), filtered.far.at("9.1"), timeout=60)
        silent.add_far(start=False)
        nobody = "192.0.2.130"  # on the way out, but no host has it
        silent.expect(far=(nobody,))
        proxy = silent.start(silent.interface() + silent.peer(Endpoint=f"{nobody}:51820"))
        a_silent_peer = waits(ask, silent, proxy, silent.far.inner4, timeout=90)
        yield SimpleNamespace(a_filtered_port=a_filtered_port, a_silent_peer=a_silent_peer)


@pytest.fixture(scope="module", autouse=True)
def begin_early(request):
    """The other tests run meanwhile; where none needs it, nothing is waited for."""
    if any("long_waits" in item.fixturenames for item in request.session.items):
        request.getfixturevalue("long_waits")


@pytest.mark.parametrize("family", ["inner4", "inner6"])
def test_a_closed_port_is_refused(ground, family):
    proxy = ground.start()
    reply = ask(ground, proxy, getattr(ground.far, family), 7002)
    assert reply.code == socks.REFUSED


@pytest.mark.parametrize("host", ["203.0.113.5", "2001:db8:ffff::5", "127.0.0.1", "::1"])
def test_a_destination_outside_of_all_allowed_ips_has_no_route(ground, host):
    proxy = ground.start()
    reply = ask(ground, proxy, host)
    assert reply.code == socks.NETWORK_UNREACHABLE


@pytest.mark.parametrize("suffix", ["8.1", ":8::1"])
def test_an_unreachable_host_is_named_so_at_once(ground, suffix):
    proxy = ground.start()
    reply = ask(ground, proxy, ground.far.at(suffix))
    assert reply.code == socks.HOST_UNREACHABLE


@pytest.mark.parametrize("host, port", [("203.0.113.5", 80), ("no-such.corp.test", 80)])
def test_a_refusal_is_a_whole_reply_and_then_the_end(ground, host, port):
    proxy = ground.start()
    s, reply = socks.request(ground.client, proxy.address, host, port)
    with s:
        assert reply.raw[3:] == BND_ADDR_NONE
        assert s.recv(1) == b"", "after a refusal the connection is closed"


def test_success_names_an_address_and_not_a_name(ground):
    proxy = ground.start()
    s, reply = socks.request(ground.client, proxy.address, "web.corp.test", 80)
    s.close()
    assert reply.code == socks.SUCCEEDED
    assert reply.raw[3] in (socks.IPV4, socks.IPV6)


@pytest.mark.parametrize("command", [0, 4, 9])
def test_commands_that_we_do_not_know_are_refused_as_such(ground, command):
    proxy = ground.start()
    assert ask(ground, proxy, ground.far.inner4, command=command).code == socks.COMMAND_NOT_SUPPORTED


def test_a_client_without_a_method_in_common_is_told_so(ground):
    proxy = ground.start()
    with ground.client.socket() as s:
        s.settimeout(30)
        s.connect(proxy.address)
        s.sendall(b"\x05\x01\x01")  # GSSAPI only
        assert s.recv(2) == b"\x05\xff"
        assert s.recv(1) == b""


def test_nonsense_is_cut_off_and_hurts_nobody_else(ground):
    proxy = ground.start()
    for nonsense in (b"\0" * 300, b"\xff" * 300, b"\x05\x01\x00\x05\x01\x00\x09" + b"x" * 99):
        with ground.client.socket() as s:
            s.settimeout(60)
            s.connect(proxy.address)
            s.sendall(nonsense)
            drain(s)
    page = ground.fetch(f"http://{ground.far.inner4}/hello", proxy=proxy)
    assert page == services.HELLO


def drain(s):
    try:
        while s.recv(1024):
            pass
    except ConnectionResetError:
        pass


def test_a_greeting_may_come_byte_by_byte(ground):
    proxy = ground.start()
    with ground.client.socket() as s:
        s.settimeout(30)
        s.connect(proxy.address)
        request = b"\x05\x01\x00" + b"\x05\x01\x00" + socks.destination("web.corp.test", 80)
        for i in range(len(request)):
            s.send(request[i : i + 1])
        assert s.recv(2) == b"\x05\x00"
        assert socks.read_reply(s).code == socks.SUCCEEDED


# The same causes at every door ---------------------------------------------------------------


FILTER = """
table inet filter {
    chain input {
        type filter hook input priority 0;
        tcp dport 7009 drop
        tcp dport 7010 reject with icmpx admin-prohibited
        tcp dport 7011 reject with tcp reset
    }
}
"""

# Cause: the codes of SOCKS5 and HTTP, and words that the reason has to have. SOCKS4 has one code.
CAUSES = {
    "denied": (socks.NOT_ALLOWED, 403, "denied"),
    "no route": (socks.NETWORK_UNREACHABLE, 502, "AllowedIPs"),
    "unreachable": (socks.HOST_UNREACHABLE, 502, "unreachable"),
    "no such name": (socks.HOST_UNREACHABLE, 502, "name"),
    "refused": (socks.REFUSED, 502, "refused"),
    "silence": (socks.TIMED_OUT, 504, "time"),
}

TARGETS = [
    ("denied", "web.corp.test", 9), ("denied", "10.77.2.200", 80), ("denied", "secret.corp.test", 80),
    ("denied", "six.corp.test", 80),
    ("no route", "203.0.113.5", 80), ("no route", "127.0.0.1", 80), ("no route", "2001:db8:ffff::5", 80),
    ("unreachable", "10.77.8.1", 80), ("unreachable", "fd77:8::1", 80), ("unreachable", "10.77.0.1", 7010),
    ("no such name", "no-such.corp.test", 80), ("no such name", "outside.example", 80),
    ("refused", "10.77.0.1", 7002), ("refused", "four.corp.test", 7002), ("refused", "10.77.0.1", 7011),
    ("silence", "10.77.9.1", 80), ("silence", "fd77:9::1", 80), ("silence", "10.77.0.1", 7009),
]
OF_IPV4 = [(cause, host, port) for cause, host, port in TARGETS if ":" not in host]


@pytest.fixture(scope="module")
def place(shared_ground, waits):
    ground = shared_ground
    for limit in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):  # else only the first few are told at once
        ground.far.network.sysctl(limit, 0)
    with ground.far.network.inside():
        done = subprocess.run(["nft", "-f", "-"], input=FILTER, text=True, capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"no packet filter here: {done.stderr}")
    rules = (f"Deny = * port=9\nDeny = 10.77.2.128/25\nDeny = secret.corp.test\nDeny = {ground.far.inner6}\n")
    proxy = ground.start(ground.client_conf() + "[Proxy]\nBindAddress = 127.0.0.1:1080\n"
                         "[Access]\n" + rules + "[Limits]\nConnectTimeout = 4\n",
                         arguments=("-L", "7072:10.77.0.1:7002", "-L", "7073:no-such.corp.test:80"))
    place = SimpleNamespace(ground=ground, client=ground.client, far=ground.far, at=proxy.address)
    place.silences = {(how, host, port): how(place, host, port, wait=waits)
                      for how, targets in ((by_socks5, TARGETS), (by_connect, TARGETS), (by_get, OF_IPV4), (by_socks4, OF_IPV4))
                      for cause, host, port in targets if cause == "silence"}
    return place


def at_once(function, *arguments):
    """As a wait that is over."""
    result = function(*arguments)
    return SimpleNamespace(result=lambda: result)


def by_socks5(place, host, port, wait=at_once):
    return wait(socks.reply_to, place.client, place.at, host, port)


def by_connect(place, host, port, wait=at_once):
    return wait(doors.http_connect, place.client, place.at, host, port)


def by_socks4(place, host, port, wait=at_once):
    return wait(doors.socks4, place.client, place.at, host, port)


def by_get(place, host, port, wait=None):
    """A program is started by the thread that it must not outlive: it waits by itself."""
    log = place.ground.work / f"get-{host}-{port}.log"
    url = f"http://{host}:{port}/"
    program = process.Process(place.client, ["curl", "-q", "-sS", "--max-time", "60", "-w", "%{http_code}", "--proxy",
                                             f"http://{place.at[0]}:{place.at[1]}", url], log)

    def result():
        assert program.wait(90) == 0, program.output
        return program.output

    return SimpleNamespace(result=result)


def what_came_of(place, how, cause, host, port):
    """Nobody answers for as long as ConnectTimeout says: that began before the first of these tests, for all of them."""
    wait = place.silences[how, host, port] if cause == "silence" else how(place, host, port)
    return wait.result()


@pytest.mark.parametrize("cause, host, port", TARGETS)
def test_socks5_tells_the_cause(place, cause, host, port):
    reply = what_came_of(place, by_socks5, cause, host, port)
    assert reply.code == CAUSES[cause][0]
    assert reply.raw[3:] == BND_ADDR_NONE


@pytest.mark.parametrize("cause, host, port", TARGETS)
def test_http_tells_the_cause_in_one_line(place, cause, host, port):
    s, status = what_came_of(place, by_connect, cause, host, port)
    s.close()
    _, code, word = CAUSES[cause]
    assert status.code == code
    assert status.body.count("\n") == 1 and status.body.endswith("\n") and word in status.body


@pytest.mark.parametrize("cause, host, port", OF_IPV4)
def test_http_tells_the_cause_to_who_does_not_connect(place, cause, host, port):
    said = what_came_of(place, by_get, cause, host, port)
    assert said.endswith(str(CAUSES[cause][1])) and CAUSES[cause][2] in said.splitlines()[0]


@pytest.mark.parametrize("cause, host, port", OF_IPV4)
def test_socks4_has_one_word_for_all(place, cause, host, port):
    s, answer = what_came_of(place, by_socks4, cause, host, port)
    with s:
        assert answer[1] == doors.REJECTED
        assert s.recv(1) == b""


@pytest.mark.parametrize("port", [7072, 7073])
def test_a_forward_has_no_words_and_resets(place, port):
    # The reset may be there before connect() has returned.
    with pytest.raises(ConnectionResetError), doors.plain(place.client, ("127.0.0.1", port)) as s:
        assert s.recv(1) != b"", "a clean end"


def test_BIND_is_refused_as_connecting_would_be(place):
    for host, code in (("10.77.2.200", socks.NOT_ALLOWED), ("no-such.corp.test", socks.HOST_UNREACHABLE),
                       ("secret.corp.test", socks.NOT_ALLOWED)):
        assert socks.reply_to(place.client, place.at, host, 0, command=2).code == code


# By the times that nobody has changed ------------------------------------------------------------


def test_a_filtered_port_times_out(long_waits):
    assert long_waits.a_filtered_port.result().code == socks.TIMED_OUT


def test_a_peer_that_never_answers_times_out(long_waits):
    assert long_waits.a_silent_peer.result().code in (socks.TIMED_OUT, socks.HOST_UNREACHABLE)

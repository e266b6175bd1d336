# SPDX-License-Identifier: MIT
"""Each way to fail has its own true answer (RFC 1928 section 6)."""

import pytest

from ground import services, socks

pytestmark = pytest.mark.usefixtures("wgproxy")

BND_ADDR_NONE = b"\x01\0\0\0\0\0\0"


def ask(ground, proxy, host, port=80, **options):
    return socks.reply_to(ground.client, proxy.address, host, port, **options)


@pytest.mark.parametrize("family", ["inner4", "inner6"])
def test_a_closed_port_is_refused(ground, family):
    proxy = ground.start()
    reply = ask(ground, proxy, getattr(ground.far, family), 7002, timeout=5)
    assert reply.code == socks.REFUSED


@pytest.mark.parametrize("host", ["203.0.113.5", "2001:db8:ffff::5", "127.0.0.1", "::1"])
def test_a_destination_outside_of_all_allowed_ips_has_no_route(ground, host):
    proxy = ground.start()
    reply = ask(ground, proxy, host, timeout=5)
    assert reply.code == socks.NETWORK_UNREACHABLE


@pytest.mark.parametrize("suffix", ["8.1", ":8::1"])
def test_an_unreachable_host_is_named_so_at_once(ground, suffix):
    proxy = ground.start()
    reply = ask(ground, proxy, ground.far.at(suffix), timeout=5)
    assert reply.code == socks.HOST_UNREACHABLE


def test_a_filtered_port_times_out(ground):
    proxy = ground.start()
    reply = ask(ground, proxy, ground.far.at("9.1"), timeout=40)
    assert reply.code == socks.TIMED_OUT


def test_a_peer_that_never_answers_times_out(bare_ground):
    ground = bare_ground
    ground.add_far(start=False)
    nobody = "192.0.2.130"  # on the way out, but no host has it
    ground.expect(far=(nobody,))
    proxy = ground.start(ground.interface() + ground.peer(Endpoint=f"{nobody}:51820"))
    reply = ask(ground, proxy, ground.far.inner4, timeout=60)
    assert reply.code in (socks.TIMED_OUT, socks.HOST_UNREACHABLE)


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


@pytest.mark.parametrize("command", [2, 3, 9])
def test_commands_that_we_do_not_know_are_refused_as_such(ground, command):
    """BIND and UDP ASSOCIATE may come later; an unknown one never will."""
    proxy = ground.start()
    reply = ask(ground, proxy, ground.far.inner4, command=command)
    expected = {socks.COMMAND_NOT_SUPPORTED}
    assert reply.code in (expected if command == 9 else expected | {socks.SUCCEEDED})


def test_a_client_without_a_method_in_common_is_told_so(ground):
    proxy = ground.start()
    with ground.client.socket() as s:
        s.settimeout(5)
        s.connect(proxy.address)
        s.sendall(b"\x05\x01\x01")  # GSSAPI only
        assert s.recv(2) == b"\x05\xff"
        assert s.recv(1) == b""


def test_nonsense_is_cut_off_and_hurts_nobody_else(ground):
    proxy = ground.start()
    for nonsense in (b"\0" * 300, b"\xff" * 300, b"\x05\x01\x00\x05\x01\x00\x09" + b"x" * 99):
        with ground.client.socket() as s:
            s.settimeout(15)
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
        s.settimeout(5)
        s.connect(proxy.address)
        request = b"\x05\x01\x00" + b"\x05\x01\x00" + socks.destination("web.corp.test", 80)
        for i in range(len(request)):
            s.send(request[i : i + 1])
        assert s.recv(2) == b"\x05\x00"
        assert socks.read_reply(s).code == socks.SUCCEEDED

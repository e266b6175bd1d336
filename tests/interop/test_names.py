# SPDX-License-Identifier: MIT
"""Names are resolved inside the tunnel, all of them and only there. That none was asked
outside is the verdict of the capture at the end of each test."""

import pytest

from ground import services, socks
from ground.far import MANY_ADDRESSES

pytestmark = pytest.mark.usefixtures("wgproxy")

CURL_PROXY_ERROR = 97


@pytest.mark.parametrize("name, kind", [
    ("web.corp.test", "A and AAAA"),
    ("four.corp.test", "A only"),
    ("six.corp.test", "AAAA only"),
    ("alias.corp.test", "CNAME"),
    ("WEB.Corp.Test", "another case"),
    ("web.corp.test.", "a final dot"),
    ("intranet", "a search domain"),
    ("many.corp.test", "an answer too long for a datagram"),
    ("truncated.corp.test", "an answer that only comes over TCP"),
])
def test_a_name_leads_to_its_page(ground, name, kind):
    proxy = ground.start()
    assert ground.fetch(f"http://{name}/hello", proxy=proxy) == services.HELLO, kind


def test_the_name_server_may_be_reached_over_ipv6(ground):
    conf = ground.interface(DNS=f"{ground.far.inner6}, corp.test") + ground.peer()
    proxy = ground.start(conf)
    assert ground.fetch("http://web.corp.test/hello", proxy=proxy) == services.HELLO


def test_the_next_name_server_is_asked_when_the_first_is_silent(ground):
    servers = f"{ground.far.at('9.53')}, {ground.far.inner4}"
    proxy = ground.start(ground.interface(DNS=servers) + ground.peer())
    assert ground.fetch("http://web.corp.test/hello", proxy=proxy) == services.HELLO


def test_a_dead_address_of_a_name_does_not_hide_the_living_one(ground):
    """half.corp.test: its IPv4 address is filtered, its IPv6 address answers."""
    proxy = ground.start(ground.client_conf() + "[Proxy]\nBindAddress = 1080\n[Limits]\nConnectTimeout = 60\n")
    page = ground.fetch("http://half.corp.test/hello", proxy=proxy, timeout=50)
    assert page == services.HELLO


@pytest.mark.parametrize("name", ["no-such-name.corp.test", "nowhere.example", "nobody"])
def test_a_name_that_does_not_exist_is_unreachable(ground, name):
    proxy = ground.start()
    done = ground.curl(f"http://{name}/", proxy=proxy)
    assert done.returncode == CURL_PROXY_ERROR, done.stderr
    reply = socks.reply_to(ground.client, proxy.address, name, 80)
    assert reply.code == socks.HOST_UNREACHABLE


def test_an_answer_is_remembered_for_its_time_to_live(ground):
    proxy = ground.start()
    for _ in range(5):
        ground.fetch("http://four.corp.test/hello", proxy=proxy)
    assert ground.far.dns_log().count("query[A] four.corp.test") == 1


def test_without_dns_in_the_file_names_are_refused_with_a_reason(ground):
    proxy = ground.start(ground.interface(DNS=None) + ground.peer())
    reply = socks.reply_to(ground.client, proxy.address, "web.corp.test", 80)
    assert reply.code == socks.HOST_UNREACHABLE
    proxy.wait_for_log(r"DNS")
    assert ground.curl("http://web.corp.test/", proxy=proxy).returncode == CURL_PROXY_ERROR
    assert "query" not in ground.far.dns_log()
    page = ground.fetch(f"http://{ground.far.inner4}/hello", proxy=proxy)
    assert page == services.HELLO, "addresses need no name server"


def test_a_silent_name_server_is_given_up_in_bounded_time(ground):
    proxy = ground.start(ground.interface(DNS=ground.far.at("9.53")) + ground.peer())
    reply = socks.reply_to(ground.client, proxy.address, "web.corp.test", 80, timeout=90)
    assert reply.code in (socks.HOST_UNREACHABLE, socks.TIMED_OUT)


def test_many_addresses_are_all_in_the_zone(ground):
    """The name above is only a proof if its answer is really that long."""
    hosts = (ground.work / "hosts0").read_text()
    assert hosts.count("many.corp.test") == MANY_ADDRESSES
    assert MANY_ADDRESSES * 16 > 1232, "it would fit into one datagram"

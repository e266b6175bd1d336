# SPDX-License-Identifier: MIT
"""config/wgproxy.service and config/wgproxy.socket, run by systemd, with all that they forbid."""

import re

from ground.process import wait_until
from peer.service import CONFIGURATION, HELLO


def test_the_first_connection_starts_it(service):
    service.configure("fd:wgproxy")
    service.run("systemctl start wgproxy.socket")
    assert service.shows("ActiveState") == "inactive"
    for scheme in ("socks5h", "socks4a", "http"):
        assert service.curl("/hello", scheme) == HELLO
    assert service.shows("ActiveState") == "active"

    service.run("systemctl stop wgproxy.service 2>/dev/null")
    assert service.shows("ActiveState", "wgproxy.socket") == "active"
    assert service.curl("/hello") == HELLO


def test_started_is_when_the_doors_are_open(service):
    service.run("systemctl start wgproxy.service")
    assert service.shows("ActiveState") == "active"
    assert re.search(r"\bready\n", service.log())
    assert service.curl("/hello") == HELLO


def test_it_is_nobody_and_has_all_that_makes_it_fast(service):
    service.run("systemctl start wgproxy.service")
    pid = service.shows("MainPID")
    assert service.curl("/body | sha256sum").split()[0] == service.run("sha256sum /www/body").split()[0]

    status = dict(line.split(":\t", 1) for line in service.run(f"cat /proc/{pid}/status").splitlines()
                  if ":\t" in line)
    assert "0" not in status["Uid"].split()
    assert {int(status[f"Cap{which}"], 16) for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert status["Threads"] == "3", "two workers"
    metrics = service.run("curl -sS http://127.0.0.1:9080/metrics")
    assert "udp_gso=1\n" in metrics and "udp_gro=1\n" in metrics
    assert "readable" not in service.log(), "a credential is for us alone"


def moves(service, what):
    """The tunnel is idle, then this happens, and the peer hears from us."""
    wait_until(lambda: service.received() == (service.run("sleep 0.3"), service.received())[1], 20, "silence")
    before = service.received()
    service.run(what)
    wait_until(lambda: service.received() > before, 20, f"a word to the peer after {what!r}")


def test_it_is_told_of_new_addresses_and_of_the_clock(service):
    service.run("systemctl start wgproxy.service")
    assert service.curl("/hello") == HELLO
    moves(service, "ip address add 192.0.2.77/32 dev lo")
    moves(service, "date -s @$(($(date +%s) + 3600))")
    service.run("ip address del 192.0.2.77/32 dev lo")


def test_stopping_lets_a_transfer_come_to_its_end(service):
    service.run("systemctl start wgproxy.service")
    service.run("rm -f /tmp/paced; curl -sS -x socks5h://127.0.0.1:1080 -o /tmp/paced"
                " 'http://10.77.0.1/cgi-bin/paced?3' >/dev/null 2>&1 </dev/null & true")
    wait_until(lambda: service.run("stat -c %s /tmp/paced 2>/dev/null || echo 0").strip() != "0", 20, "a piece")
    service.run("systemctl stop wgproxy.service")
    assert re.search(r"= \d+$", service.run("wait; tail -c 8 /tmp/paced | tr -cd ' -~'")), "its last line"
    assert (service.shows("Result"), service.shows("ExecMainStatus")) == ("success", "0")


def test_what_ends_it_badly_is_mended(service):
    service.run("systemctl start wgproxy.service")
    service.run(f"kill -SEGV {service.shows('MainPID')}")
    wait_until(lambda: service.shows("NRestarts") == "1" and service.shows("ActiveState") == "active",
               20, "it is started again")
    assert service.curl("/hello") == HELLO


def test_a_wrong_file_is_told_once(service):
    service.run(f"sed -i s/Address/Adress/ {CONFIGURATION}")
    service.run("! systemctl start wgproxy.service 2>/dev/null")
    assert 'did you mean "Address"' in service.log()
    assert (service.shows("ActiveState"), service.shows("ExecMainStatus")) == ("failed", "3")
    assert service.shows("NRestarts") == "0"

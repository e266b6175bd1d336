# SPDX-License-Identifier: MIT
"""`wgproxy check` against far ends that are well, and against each that is not."""

import re
import time

import pytest

from ground import wireguard

pytestmark = pytest.mark.usefixtures("wgproxy")

WORKS, CHECK_FAILED = 0, 4
NOBODY = "192.0.2.130"  # on the way out, but no host has it


class Checked:
    """One check that has ended."""

    def __init__(self, ground, conf=None, *words):
        begin = time.monotonic()
        run = ground.launch(conf, arguments=["check", *words])
        self.code = run.wait(120)
        self.took = time.monotonic() - begin
        self.text = run.log

    def line(self, step):
        """What stands behind the name of a step, or None."""
        found = re.search(rf"^  {step} +(.*)$", self.text, re.M)
        return found and found.group(1)

    @property
    def cause(self):
        found = re.findall(r"^cause: (.*)$", self.text, re.M)
        assert len(found) <= 1, self.text
        assert not found or self.text.count(found[0]) == 1, "it is said once"
        return found[0] if found else None


def test_a_tunnel_that_works_passes_every_step(ground):
    checked = Checked(ground)
    assert checked.code == WORKS, checked.text
    assert checked.cause is None
    assert checked.line("endpoint") == f"{ground.far.outer4} is an address"
    assert re.search(r"1500 bytes; the tunnel's MTU is 1420", checked.line("path"))
    assert re.search(rf"at {ground.far.outer4}:51820 answers \([\d.]+ ms\)", checked.line("handshake"))
    assert re.search(r"example\.com: no such name \([\d.]+ ms\)", checked.line("dns"))
    assert re.search(rf"{ground.far.inner4} answers \([\d.]+ ms\)", checked.line("ping"))
    assert re.search(r"1420 bytes pass, the whole MTU", checked.line("size"))
    assert checked.took < 20


def test_a_name_and_an_address_may_be_chosen(ground):
    checked = Checked(ground, None, "four.corp.test")
    assert checked.code == WORKS, checked.text
    assert f"four.corp.test is {ground.far.inner4}" in checked.line("dns")
    checked = Checked(ground, None, ground.far.inner6)
    assert checked.code == WORKS, checked.text
    assert f"{ground.far.inner6} answers" in checked.line("ping")
    assert "1420 bytes pass" in checked.line("size")


def test_a_preshared_key_that_differs_is_the_cause(bare_ground):
    ground = bare_ground
    far = ground.add_far(psk=True)
    checked = Checked(ground, ground.interface() + ground.peer(PresharedKey=wireguard.new_psk()))
    assert checked.code == CHECK_FAILED, checked.text
    assert "PresharedKey" in checked.cause and far.outer4 in checked.cause
    assert checked.took < 45


def test_a_port_where_nothing_listens_is_the_cause(bare_ground):
    ground = bare_ground
    ground.expect(port_unreachable=True)
    ground.add_far(start=False)
    checked = Checked(ground)
    assert checked.code == CHECK_FAILED, checked.text
    assert "nothing listens" in checked.cause and checked.text.count("nothing listens") == 1
    assert checked.took < 45


def test_an_endpoint_that_swallows_everything_is_the_cause(bare_ground):
    ground = bare_ground
    ground.add_far(start=False)
    ground.expect(far=(NOBODY,))
    checked = Checked(ground, ground.interface() + ground.peer(Endpoint=f"{NOBODY}:51820"))
    assert checked.code == CHECK_FAILED, checked.text
    assert "nothing came back" in checked.cause and NOBODY in checked.cause
    assert checked.took < 45


def test_of_two_silent_peers_each_is_told_of_once(bare_ground):
    ground = bare_ground
    for _ in range(2):
        ground.add_far(start=False)
    ground.expect(port_unreachable=True)
    checked = Checked(ground)
    assert checked.code == CHECK_FAILED, checked.text
    for far in ground.fars:
        assert checked.text.count(f"({far.outer4}:51820) has not answered") == 1, checked.text


def test_without_dns_nothing_is_looked_up(ground):
    checked = Checked(ground, ground.interface(DNS=None) + ground.peer())
    assert checked.code == WORKS, checked.text
    assert checked.line("dns") == "no DNS in the file: names are refused -> set DNS = a server in the tunnel"
    assert "nobody to ping" in checked.line("ping")
    checked = Checked(ground, ground.interface(DNS=None) + ground.peer(), ground.far.inner4)
    assert checked.code == WORKS, checked.text
    assert "1420 bytes pass" in checked.line("size")


def test_a_dns_server_that_does_not_answer_is_the_cause(ground):
    dead = ground.far.at("9.1")
    checked = Checked(ground, ground.interface(DNS=dead) + ground.peer())
    assert checked.code == CHECK_FAILED, checked.text
    assert checked.cause.startswith(f"DNS inside the tunnel ({dead}): no DNS server answered; nothing comes back")
    assert checked.line("ping") == f"{dead}: does not answer pings"
    assert checked.took < 45


def test_an_address_that_the_peer_does_not_know_is_the_cause(ground):
    checked = Checked(ground, ground.interface(Address="10.77.0.66/32") + ground.peer())
    assert checked.code == CHECK_FAILED, checked.text
    assert "answers (" in checked.line("handshake") and "know us by another Address" in checked.cause


def test_a_dns_server_outside_of_allowed_ips_is_the_cause(ground):
    checked = Checked(ground, ground.interface(DNS="203.0.113.53") + ground.peer())
    assert checked.code == CHECK_FAILED, checked.text
    assert "203.0.113.53" in checked.cause and "AllowedIPs" in checked.cause


def test_silence_to_pings_is_no_fault_where_dns_answers(ground):
    checked = Checked(ground, None, ground.far.at("9.1"))
    assert checked.code == WORKS, checked.text
    assert "does not answer pings" in checked.line("ping")
    assert "not measured" in checked.line("size")


def test_a_path_that_swallows_large_packets_is_measured(ground):
    """The far end's device takes less than the cable carries, and nobody says so."""
    ground.far.network.ip("link", "set", "outer", "mtu", 1396)  # and 4 that Linux allows for a VLAN
    checked = Checked(ground)
    assert checked.code == WORKS, checked.text
    # 1400 less 28 of IP and UDP and 32 of the data message, in steps of 16: 1328.
    assert "packets of 1328 bytes pass" in checked.line("size")
    assert "set MTU = 1328" in checked.text
    assert checked.took < 60
    # What the far end has to say it sends in fragments through its narrow device.
    assert all("fragment" in leak.verdict for leak in ground.take_leaks())


def test_each_of_several_tunnels_is_checked(bare_ground):
    ground = bare_ground
    good = ground.add_far()
    bad = ground.add_far(start=False)
    ground.expect(port_unreachable=True)
    second = ground.work / "second.conf"
    second.write_text(ground.interface() + ground.peer(bad))
    second.chmod(0o600)
    checked = Checked(ground, ground.interface() + ground.peer(good), "-c", second)
    assert checked.code == CHECK_FAILED, checked.text
    assert checked.text.index("works") < checked.text.index("second.conf: 1 peer")
    assert bad.outer4 in checked.cause

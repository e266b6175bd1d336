# SPDX-License-Identifier: MIT
"""The ground under test: two foreign endpoints, no wgproxy. Whatever fails here is a
fault of the ground, not of the product."""

import json
import shutil
import socket
import struct

import pytest

from ground import body, machine, services, wireguard
from ground.capture import DATA, INITIATION, RESPONSE
from ground.far import CLIENT_INNER4, CLIENT_INNER6
from ground.process import Process


@pytest.fixture
def tunnel(ground):
    """wireguard-go on the client as well, so that programs there are in the tunnel."""
    near = wireguard.Endpoint(ground.client, f"{ground.client.name}near", ground.work)
    near.start([f"{CLIENT_INNER4}/32", f"{CLIENT_INNER6}/128"])
    far = ground.far
    near.configure(
        wireguard.section("Interface", {"PrivateKey": ground.keys.private})
        + ground.peer()
    )
    near.route(*far.allowed_ips.split(", "))
    yield ground
    near.stop()


def dns_question(name, kind=1):
    labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
    return struct.pack("!HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + labels + b"\0" \
        + struct.pack("!HH", kind, 1)


def ask_dns(ground, name, kind=1):
    with ground.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(30)
        s.connect((ground.far.inner4, 53))
        s.send(dns_question(name, kind))
        answer = s.recv(4096)
    _, flags, _, answers, _, _ = struct.unpack_from("!HHHHHH", answer)
    return {"code": flags & 15, "truncated": bool(flags & 0x0200), "answers": answers}


def send_plain(ground, data, port, family=socket.AF_INET):
    far = ground.far
    with ground.client.socket(family, socket.SOCK_DGRAM) as s:
        s.sendto(data, (far.outer4 if family == socket.AF_INET else far.outer6, port))


def test_pages_behind_the_tunnel_come_through_it(tunnel):
    far = tunnel.far
    assert tunnel.fetch(f"http://{far.inner4}/hello") == services.HELLO
    assert tunnel.fetch(f"http://[{far.inner6}]/hello") == services.HELLO
    report, = tunnel.finish()
    assert len(report.messages(INITIATION, outbound=True)) == 1
    assert len(report.messages(RESPONSE, outbound=False)) == 1
    assert len(report.messages(DATA)) > 10


def test_nothing_behind_the_tunnel_is_served_outside_of_it(ground):
    for address in (ground.far.outer4, ground.far.inner4):
        assert ground.curl(f"http://{address}/hello", timeout=2).returncode in (7, 28)
    assert ground.take_leaks()


def test_the_name_server_knows_each_kind_of_name(tunnel):
    assert ask_dns(tunnel, "web.corp.test")["answers"] == 1
    assert ask_dns(tunnel, "alias.corp.test")["answers"] == 2
    assert ask_dns(tunnel, "six.corp.test", kind=28)["answers"] == 1
    assert ask_dns(tunnel, "six.corp.test") == {"code": 0, "truncated": False, "answers": 0}
    assert ask_dns(tunnel, "no-such-name.corp.test")["code"] == 3
    assert ask_dns(tunnel, "example.org")["code"] == 3
    assert ask_dns(tunnel, "many.corp.test")["truncated"]
    assert ask_dns(tunnel, "truncated.corp.test") == {
        "code": 0, "truncated": True, "answers": 0}


@pytest.mark.parametrize("suffix, outcome", [
    ("0.1", ConnectionRefusedError), ("8.1", OSError), ("9.1", TimeoutError),
    (":8::1", OSError), (":9::1", TimeoutError),
])
def test_each_kind_of_bad_destination_answers_in_its_way(tunnel, suffix, outcome):
    family = socket.AF_INET6 if ":" in suffix else socket.AF_INET
    with tunnel.client.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(2)
        with pytest.raises(outcome):
            s.connect((tunnel.far.at(suffix), 7002))


def test_uploads_and_downloads_are_checked_by_their_sums(tunnel):
    url, size = f"http://{tunnel.far.inner4}", 3 * body.MIB + 17
    assert tunnel.fetch(f"{url}/bytes?size={size}&seed=5") == body.make(size, 5)
    path = tunnel.work / "upload"
    path.write_bytes(body.make(size, 6))
    answer = tunnel.curl("--fail", "-T", path, f"{url}/upload").stdout
    assert answer.decode().strip() == body.checksum(size, 6)


def test_iperf3_measures_what_the_far_end_can_do(tunnel):
    if not shutil.which("iperf3"):
        pytest.skip("iperf3 is not installed")
    far = tunnel.far
    server = Process(
        far.network, ["iperf3", "--forceflush", "-s", "-1"], tunnel.work / "iperf3.log")
    server.wait_for_output("listening", 60)
    done = tunnel.run(["iperf3", "-J", "-t", "2", "-c", far.inner4], timeout=60)
    rate = json.loads(done.stdout)["end"]["sum_received"]["bits_per_second"]
    print(f"wireguard-go to wireguard-go: {rate / 1e6:.0f} Mbit/s")
    assert rate > 1e6


@pytest.mark.parametrize("name, leak, verdict", [
    ("DNS", lambda g: send_plain(g, dns_question("web.corp.test"), 53), "not on the W"),
    ("DNS over IPv6", lambda g: send_plain(
        g, dns_question("web.corp.test"), 53, socket.AF_INET6), "not on the W"),
    ("the machine's resolver", lambda g: g.curl("http://leak.corp.test/", timeout=1),
     "not on the W"),
    ("TCP", lambda g: g.curl(f"http://{g.far.inner4}/", timeout=1), "not UDP"),
    ("plain text on the port", lambda g: send_plain(g, b"GET / HTTP/1.0\r\n\r\n", 51820),
     "no WireGuard message"),
    ("reserved bytes", lambda g: send_plain(g, b"\4\0\0\1" + bytes(60), 51820),
     "reserved bytes"),
    ("a cut handshake", lambda g: send_plain(g, b"\1\0\0\0" + bytes(143), 51820),
     "wrong length"),
    ("unpadded data", lambda g: send_plain(g, b"\4\0\0\0" + bytes(12 + 17 + 16), 51820),
     "without padding"),
    ("oversized data", lambda g: send_plain(
        g, b"\4\0\0\0" + bytes(28 + 1424), 51820, socket.AF_INET), "impossible length"),
    ("a fragment", lambda g: send_plain(g, b"\4\0\0\0" + bytes(1996), 51820),
     "IPv4 fragment"),
    ("another host", lambda g: send_to(g, "203.0.113.9"), "not between"),
])
def test_the_capture_flags_a_leak(ground, name, leak, verdict):
    leak(ground)
    with pytest.raises(AssertionError, match="leaked to the outer link"):
        ground.check()
    assert any(verdict in p.verdict for p in ground.take_leaks()), name


def send_to(ground, address):
    with ground.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"\4\0\0\0" + bytes(28), (address, 51820))


def test_the_capture_sees_each_datagram_of_a_train(ground):
    """Segmentation offload would hide what is inside of one long frame."""
    udp_segment = 103
    with ground.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.IPPROTO_UDP, udp_segment, 96)
        train = (b"\4\0\0\0" + bytes(92)) * 30 + b"\4\0\0\0" + bytes(28)
        s.sendto(train, (ground.far.outer4, 51820))
    report, = ground.finish()
    assert len(report.messages(DATA, outbound=True)) == 31
    report.check()


def test_a_quiet_ground_is_clean(ground):
    report, = ground.finish()
    report.check()
    assert not any(p.kind for p in report.packets)


def test_the_resolver_of_this_machine_points_at_the_outer_link(private_machine):
    with open("/etc/resolv.conf") as f:
        assert f"nameserver {machine.OUTSIDE_NAME_SERVER}" in f.read()

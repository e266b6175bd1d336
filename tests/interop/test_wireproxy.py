# SPDX-License-Identifier: MIT
"""wireproxy's files and options, as its users have them: every section in use at once, and the traps of its running."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from types import SimpleNamespace

import pytest

from ground import doors, process, product, services, socks

pytestmark = pytest.mark.usefixtures("wgproxy")

SOCKS, HTTP, WEB, NAMES, TLS, INFO = 25344, 25345, 25565, 5300, 8443, 9080
OUT, DEAD, LOCAL = 3422, 3423, 25545

# The tunnel has a file of its own, and what is secret or changes comes from the environment. Values stand in every form
# that wireproxy's reader knows: keys of other keys, in quotation marks and backticks, over two lines, in hexadecimal.
MAIN = f"""
WGConfig = `tunnel.conf` # beside this one
loopback = 127.0.0.1
port = {SOCKS}

[Socks5]
BindAddress: %(loopback)s:%(port)s
Password = "$PROXY_PASSWORD"
Username = $PROXY_USER

[http]
bindaddress = $HTTP_AT
LogDomains = true

[TCPClientTunnel]
BindAddress = %(loopback)s:\\
              {WEB}
Target = $WEB_TARGET

[TCPServerTunnel]
ListenPort = {OUT:#x}
Target = 'localhost:{LOCAL}'

[TCPServerTunnel]
ListenPort = {DEAD}
Target = localhost:1

[UDPProxyTunnel]
BindAddress = 127.0.0.1:{NAMES}
Target = """ + '"""{names}"""' + f"""

[SNI]
BindAddress = %(at)s
at = %(loopback)s:{TLS}

[Resolve]
ResolveStrategy = ipv4
"""


def tunnel_file(ground):
    """Repeated keys, lists in a variable and over two lines, and what a kernel's interface would need."""
    return (f"[Interface]\nPrivateKey = $KEY\nAddress = $ADDRESSES\nDNS = {ground.far.inner4}\nMTU = 0x58c\n"
            f"CheckAlive = {ground.far.inner4}, \\\n  {ground.far.inner6}\nCheckAliveInterval = 1\nPostUp = true\n"
            f"[Peer] the far end\nPublicKey = {ground.far.keys.public}\nEndpoint = {ground.far.outer4}:51820\n"
            "AllowedIPs = 10.77.0.0/16\nAllowedIPs = fd77::/64\nPersistentKeepalive = 0x19\n")


def environment(ground):
    return ("env", f"KEY={ground.keys.private}", "ADDRESSES=10.77.0.2/32, fd77::2/128", "PROXY_USER=peter",
            "PROXY_PASSWORD=p#w;d", f"HTTP_AT=127.0.0.1:{HTTP}", "WEB_TARGET=web.corp.test:80")


@pytest.fixture(scope="module")
def place(shared_ground):
    ground = shared_ground
    (ground.work / "tunnel.conf").write_text(tunnel_file(ground))
    (ground.work / "tunnel.conf").chmod(0o600)
    proxy = ground.launch(MAIN.format(names=f"{ground.far.inner4}:53"), wrapper=environment(ground),
                          arguments=("-s", "-i", f"127.0.0.1:{INFO}"))
    answers = lambda: ground.curl("--fail", f"http://127.0.0.1:{INFO}/readyz").returncode == 0
    process.wait_until(answers, 60 * product.patience(), "/readyz")
    return SimpleNamespace(ground=ground, proxy=proxy, far=ground.far)


def curl(place, *arguments):
    done = place.ground.curl("--fail", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Every section, and the information server -------------------------------------------


def test_socks5_with_a_user_of_the_environment(place):
    at = f"127.0.0.1:{SOCKS}"
    assert curl(place, "-x", f"socks5h://peter:p%23w%3bd@{at}", "http://web.corp.test/hello") == services.HELLO
    for login in ("", "peter:p@"):
        assert place.ground.curl("-x", f"socks5h://{login}{at}", "http://web.corp.test/hello").returncode == 97


def test_http_connects_and_gets(place):
    at = f"http://127.0.0.1:{HTTP}"
    assert curl(place, "-x", at, "http://web.corp.test/hello") == services.HELLO
    assert curl(place, "-p", "-x", at, "http://web.corp.test/hello") == services.HELLO


def test_a_client_tunnel_and_a_udp_tunnel(place):
    assert curl(place, f"http://127.0.0.1:{WEB}/hello") == services.HELLO
    with doors.datagrams(place.ground.client, ("127.0.0.1", 0)) as s:
        s.sendto(doors.dns_query("four.corp.test"), ("127.0.0.1", NAMES))
        assert s.recv(512).endswith(socket.inet_aton(place.far.inner4))


def test_names_lead_to_the_family_of_the_strategy(place):
    assert curl(place, "-x", f"http://127.0.0.1:{HTTP}", "http://web.corp.test/who").endswith(b"10.77.0.2\n")


def test_tls_by_name(place):
    """The first message arrives as it was sent, at port 443 of the host that it names."""
    hello = doors.client_hello("web.corp.test")
    with doors.listen(place.far.network, (place.far.inner4, 443)) as listener, \
            doors.plain(place.ground.client, ("127.0.0.1", TLS)) as s:
        s.sendall(hello)
        with listener.accept()[0] as there:
            there.settimeout(60)
            assert socks.exactly(there, len(hello)) == hello


def test_readyz_has_the_last_pong_of_each_address(place):
    pongs = json.loads(curl(place, f"http://127.0.0.1:{INFO}/readyz"))
    assert set(pongs) == {place.far.inner4, place.far.inner6}
    assert all(abs(time.time() - at) < 60 for at in pongs.values())


def test_metrics_have_the_lines_of_the_kernels_interface(place):
    lines = curl(place, f"http://127.0.0.1:{INFO}/metrics").decode().splitlines()
    pairs = [line.split("=", 1) for line in lines]
    assert ["private_key", "REDACTED"] in pairs
    values = dict(pairs)
    assert re.fullmatch("[0-9a-f]{64}", values["public_key"])
    assert values["endpoint"] == f"{place.far.outer4}:51820"
    assert int(values["last_handshake_time_sec"]) > 0 and int(values["rx_bytes"]) > 0
    assert values["persistent_keepalive_interval"] == "25"
    assert [v for k, v in pairs if k == "allowed_ip"] == ["10.77.0.0/16", "fd77::/64"]


def test_pages_may_have_a_slash_behind_them(place):
    assert curl(place, f"http://127.0.0.1:{INFO}/readyz/?probe") == curl(place, f"http://127.0.0.1:{INFO}/readyz")


def test_other_pages_are_not_found(place):
    assert curl_status(place, f"http://127.0.0.1:{INFO}/") == 404


def curl_status(place, *arguments):
    done = place.ground.curl("-o", os.devnull, "-w", "%{http_code}", *arguments)
    return int(done.stdout)


# The traps of its running --------------------------------------------------------------


def test_trap_localhost_of_a_server_tunnel_was_asked_for_in_the_tunnel(place):
    with doors.listen(place.ground.client, ("127.0.0.1", LOCAL)) as listener, \
            doors.plain(place.far.network, ("10.77.0.2", OUT)) as caller:
        with listener.accept()[0] as callee:
            caller.sendall(b"hello")
            assert callee.recv(5) == b"hello"


def test_trap_a_server_tunnel_whose_target_failed_kept_its_caller_waiting(place):
    with place.far.network.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        caller.settimeout(30)
        with pytest.raises(ConnectionResetError):
            caller.connect(("10.77.0.2", DEAD))
            assert caller.recv(1) != b"", "a clean end"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_trap_http_took_GET_and_CONNECT_only(place, method):
    url = "http://web.corp.test/upload"
    assert curl(place, "-x", f"http://127.0.0.1:{HTTP}", "-X", method, "-d", "body", url)


def test_trap_what_came_with_a_CONNECT_was_dropped(place):
    with doors.plain(place.ground.client, ("127.0.0.1", HTTP)) as s:
        s.sendall(b"CONNECT web.corp.test:80 HTTP/1.1\r\nHost: web.corp.test\r\n\r\n"
                  b"GET /hello HTTP/1.0\r\n\r\n")
        assert b" 200 " in doors.read_head(s)
        doors.read_head(s)
        assert socks.exactly(s, len(services.HELLO)) == services.HELLO


def test_trap_a_failed_dial_had_no_answer(place):
    at = f"http://127.0.0.1:{HTTP}"
    assert curl_status(place, "-x", at, "http://web.corp.test:7002/") in (502, 503)
    assert curl_status(place, "-x", at, "http://nowhere.corp.test/") in (502, 503, 504)


def test_trap_the_connection_of_a_wrong_password_was_never_closed(place):
    with doors.plain(place.ground.client, ("127.0.0.1", SOCKS)) as s:
        s.sendall(b"\x05\x01\x02")
        assert socks.exactly(s, 2) == b"\x05\x02"
        s.sendall(b"\x01\x05peter\x01p")
        assert socks.exactly(s, 2)[1] != 0
        with contextlib.suppress(ConnectionResetError):
            assert s.recv(1) == b""


def test_trap_pongs_over_ipv6_were_not_known(place):
    assert json.loads(curl(place, f"http://127.0.0.1:{INFO}/readyz"))[place.far.inner6] > 0


def test_trap_silent_still_named_the_hosts(place):
    """With -s not a word is written of all that happened above, but what the file has in vain."""
    assert place.proxy.log == ("warning: tunnel.conf:9: PostUp: of no use to wgproxy, skipped\n"
                               "warning: tunnel.conf:10: what follows the section's name is ignored\n")


def test_log_domains_tells_where_clients_go(place):
    conf = place.ground.client_conf() + "[http]\nBindAddress = 127.0.0.1:25401\nLogDomains = {}\n"
    for told in ("yes", "no"):
        proxy = place.ground.start(conf.format(told))
        assert curl(place, "-p", "-x", "http://127.0.0.1:25401", "http://web.corp.test/hello") == services.HELLO
        proxy.stop()
        assert ("to web.corp.test:80 -> connected" in proxy.log) == (told == "yes"), proxy.log


@pytest.mark.parametrize("everywhere", ["[::]", "0.0.0.0", ""])
def test_every_address_is_of_both_families(place, everywhere):
    conf = place.ground.client_conf() + f"[Socks5]\nBindAddress = {everywhere}:25405\n"
    proxy = place.ground.start(conf, arguments=("--allow-lan", "-i", f"{everywhere}:25406"))
    for at in ("127.0.0.1", "[::1]"):
        assert curl(place, "-x", f"socks5h://{at}:25405", "http://web.corp.test/hello") == services.HELLO
        assert json.loads(curl(place, "--noproxy", "*", f"http://{at}:25406/readyz")) == {}
    proxy.stop()


@pytest.mark.parametrize("section", [
    "[Socks5]\nBindAddress = {}:25407\n",
    "[UDPProxyTunnel]\nBindAddress = {}:25407\nTarget = " + "10.9.0.1:53\n",
])
def test_without_ipv6_on_the_machine_ipv4_is_enough(place, section):
    arguments, wrapper = ("--allow-lan", "-i", ":25406"), process.module("no_ipv6")
    conf = place.ground.client_conf() + section
    proxy = place.ground.start(conf.format("0.0.0.0"), arguments=arguments, wrapper=wrapper)
    assert json.loads(curl(place, "--noproxy", "*", "http://127.0.0.1:25406/readyz")) == {}
    assert proxy.stop() == 0
    assert "cannot" not in proxy.log
    # what the file itself wants is another matter
    proxy = place.ground.launch(conf.format("[::]"), arguments=arguments, wrapper=wrapper)
    assert proxy.wait(20) == 1
    assert "[::]:25407: address not available on this machine" in proxy.log


def test_trap_addresses_were_pinged_without_an_information_server_too(place):
    """Which keeps a NAT's way open; a tunnel that nobody uses begins by it."""
    for watched in (place.far.inner4, None):
        tunnel = place.ground.interface(CheckAlive=watched) + place.ground.peer()
        proxy = place.ground.start(tunnel + "[Socks5]\nBindAddress = 127.0.0.1:25402\n")
        if watched:
            proxy.wait_for_log("handshake", 20)
        else:
            time.sleep(2)
            assert "handshake" not in proxy.log
        proxy.stop()


# Options, and files without -c -----------------------------------------------------------


def command(*arguments):
    return [*process.UNPRIVILEGED, product.binary(), *arguments]


def put_usual(ground, text):
    """Where wireproxy looks, below the home directory."""
    path = ground.work / ".config" / "wireproxy.conf"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def test_configtest_of_the_usual_file(place):
    put_usual(place.ground, place.ground.client_conf())
    done = place.ground.run(command("-n"))
    assert done.returncode == 0 and b"OK" in done.stdout + done.stderr, done.stderr
    put_usual(place.ground, "[Interface]\nPrivateKey = $NOT_SET\n")
    done = place.ground.run(command("-n"))
    assert done.returncode == 3 and b"NOT_SET" in done.stderr


def test_trap_configtest_looked_up_the_endpoint(place):
    put_usual(place.ground, place.ground.interface() + place.ground.peer(Endpoint="nowhere.corp.test:51820"))
    assert place.ground.run(command("-n")).returncode == 0


@pytest.mark.parametrize(("arguments", "status", "words"), [
    (("--nonsense",), 2, b"wgproxy: "), (("-c", "/nowhere"), 3, b"/nowhere: "), (("-n", "-c", "/nowhere"), 3, b"/nowhere: ")])
def test_trap_a_wrong_command_line_exited_with_0(place, arguments, status, words):
    done = place.ground.run(command(*arguments))
    assert done.returncode == status and done.stderr.startswith(words), done.stderr


def test_trap_readyz_was_well_without_any_handshake(place):
    """Without CheckAlive it says {}, and 503 while no peer answers."""
    silent = place.ground.peer(PublicKey="HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=")
    proxy = place.ground.start(place.ground.interface() + silent, port=25403, arguments=("-i", "127.0.0.1:25404"))
    done = place.ground.curl("-w", "%{http_code}", "http://127.0.0.1:25404/readyz")
    assert done.stdout == b"{}\n503"
    proxy.stop()
    proxy = place.ground.start(place.ground.client_conf(), port=25403, arguments=("-i", "127.0.0.1:25404"))
    ready = lambda: place.ground.curl("-w", "%{http_code}", "http://127.0.0.1:25404/readyz").stdout == b"{}\n200"
    process.wait_until(ready, 20 * product.patience(), "the first handshake")
    proxy.stop()


def test_version_by_v_alone(place):
    done = place.ground.run(command("-v"))
    assert done.returncode == 0 and re.match(rb"wgproxy \d", done.stdout)


def test_trap_standard_input_never_ended(place):
    """[STDIOTunnel] as ssh's ProxyCommand: it goes when the stream has ended, with its status."""
    target = f"[STDIOTunnel]\nTarget = {place.far.inner4}:"
    put_usual(place.ground, place.ground.client_conf() + target + "80\n")
    done = place.ground.run(command(), input=b"GET /hello HTTP/1.0\r\n\r\n", timeout=60)
    assert done.returncode == 0 and done.stdout.endswith(services.HELLO), done.stderr
    time.sleep(0.1)  # WireGuard answers no two initiations of one peer within 50 ms
    put_usual(place.ground, place.ground.client_conf() + target + "7002\n")
    done = place.ground.run(command(), input=b"", timeout=60)
    assert done.returncode == 1 and b"refused" in done.stderr


def test_daemon_returns_when_its_doors_stand(place):
    put_usual(place.ground, place.ground.client_conf() + "[Socks5]\nBindAddress = 127.0.0.1:25400\n")
    done = place.ground.run(command("-d"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0
    pid = owner_of(place, 25400)
    try:
        url = "http://web.corp.test/hello"
        assert curl(place, "-x", "socks5h://127.0.0.1:25400", url) == services.HELLO
        again = place.ground.run(command("-d"), timeout=60)
        assert again.returncode == 1 and b"25400" in again.stderr
    finally:
        os.kill(pid, signal.SIGTERM)
    process.wait_until(lambda: owner_of(place, 25400) is None, 30, "the daemon's end")


def owner_of(place, port):
    done = place.ground.run(["ss", "-Hltnp", f"( sport = :{port} )"])
    found = re.search(rb"pid=(\d+)", done.stdout)
    return int(found.group(1)) if found else None

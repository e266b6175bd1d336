# SPDX-License-Identifier: MIT
"""Every door, with the programs that people use."""

import hashlib
import socket
import struct

import pytest

from ground import body, process, product, services, socks

pytestmark = pytest.mark.usefixtures("wgproxy")

USERS = "Username = alice\nPassword = se#cret word\nUsername = bob\nPassword = b\n"
AUTH = "alice:se%23cret%20word"


def conf(ground, *sections):
    return ground.client_conf() + "\n".join(sections) + "\n"


def proxy_section(more=""):
    return f"[Proxy]\nBindAddress = 127.0.0.1:1080\n{more}"


def curl(ground, *arguments, **options):
    return ground.curl(*arguments, **options)


def body_of(ground, *arguments, **options):
    done = curl(ground, "--fail", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def hello_url(ground, name=False):
    return f"http://{'web.corp.test' if name else ground.far.inner4}/hello"


# One port, all protocols ---------------------------------------------------


@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "socks5h", "http"])
@pytest.mark.parametrize("tunnelled", [False, True])
def test_one_port_speaks_every_protocol(ground, scheme, tunnelled):
    proxy = ground.start(conf(ground, proxy_section()))
    by_name = scheme in ("socks4a", "socks5h", "http")
    arguments = ["--proxytunnel"] if tunnelled and scheme == "http" else []
    got = body_of(ground, *arguments, hello_url(ground, by_name), proxy=proxy, scheme=scheme)
    assert got == services.HELLO


@pytest.mark.parametrize("scheme", ["socks5h", "http"])
def test_users_are_asked_on_every_protocol(ground, scheme):
    proxy = ground.start(conf(ground, proxy_section(USERS)))
    host = f"{proxy.address[0]}:{proxy.address[1]}"
    url = hello_url(ground, True)
    for who in (AUTH, "bob:b"):
        assert body_of(ground, "--proxy", f"{scheme}://{who}@{host}", url) == services.HELLO
    for who in ("alice:wrong", "alice:", "carol:b"):
        done = curl(ground, "--fail", "--proxy", f"{scheme}://{who}@{host}", url)
        assert done.returncode != 0 and done.stdout == b""
    assert "se#cret" not in proxy.log
    # SOCKS4 has no passwords, so it is no way around them.
    assert curl(ground, "--proxy", f"socks4a://{host}", url).returncode != 0


def test_http_asks_for_the_password_and_the_connection_goes_on(ground):
    proxy = ground.start(conf(ground, proxy_section(USERS)))
    done = curl(ground, "-v", "--proxy-anyauth", "--proxy-user", "alice:se#cret word",
                hello_url(ground), proxy=proxy, scheme="http")
    assert done.stdout == services.HELLO
    said = done.stderr.decode()
    assert "407 Proxy Authentication Required" in said
    assert "Re-using existing connection" in said or "Re-using existing http" in said


# HTTP ----------------------------------------------------------------------


def test_a_client_keeps_its_connection_over_hosts_and_methods(ground):
    proxy = ground.start(conf(ground, proxy_section()))
    web, intranet = "http://web.corp.test", "http://intranet.corp.test"
    done = curl(ground, "-v", f"{web}/hello", f"{intranet}/who", f"{web}/hello", proxy=proxy, scheme="http")
    assert done.stdout == services.HELLO + b"::ffff:10.77.0.2\n" + services.HELLO
    assert done.stderr.count(b"Re-using existing") == 2


@pytest.mark.parametrize("kind", ["bytes", "chunked", "untold"])
def test_bodies_of_every_framing_arrive_whole(ground, kind):
    proxy = ground.start(conf(ground, proxy_section()))
    size = 3 * body.MIB + 17
    got = body_of(ground, f"http://{ground.far.inner4}/{kind}?size={size}&seed=5", proxy=proxy, scheme="http")
    assert hashlib.sha256(got).hexdigest() == body.checksum(size, 5)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_uploads_of_every_framing_arrive_whole(ground, method, chunked):
    proxy = ground.start(conf(ground, proxy_section()))
    size = 3 * body.MIB + 5
    path = ground.work / "upload"
    path.write_bytes(b"".join(body.chunks(size, 6)))
    header = ["-H", "Transfer-Encoding: chunked"] if chunked else []
    got = body_of(ground, "-X", method, *header, "-T", path, f"http://{ground.far.inner4}/upload",
                  proxy=proxy, scheme="http")
    assert got.decode().strip() == body.checksum(size, 6)


def test_what_is_for_the_proxy_stays_with_it(ground):
    proxy = ground.start(conf(ground, proxy_section(USERS)))
    got = body_of(ground, "--proxy-user", "bob:b", "-H", "Connection: X-Private", "-H", "X-Private: 1",
                  "-H", "X-Public: 2", f"http://u:p@{ground.far.inner4}/headers", proxy=proxy, scheme="http").decode()
    assert got.startswith("GET /headers HTTP/1.1\n")
    assert "X-Public: 2" in got
    for word in ("Proxy-", "X-Private", "Ym9iOmI"):
        assert word not in got


@pytest.mark.parametrize("target, status", [
    ("http://{far}:7002/", 502), ("http://no-such.corp.test/", 502), ("http://203.0.113.5/", 502),
    ("http://{far}:7004/", 502), ("http://{far}:9/", 403), ("https://{far}/", 403),
])
def test_http_says_why_not(ground, target, status):
    """Refused, no such name, no route, broken off; and denied, by port and for CONNECT."""
    rules = "Deny = * port=9\nDeny = * port=443\n"
    proxy = ground.start(conf(ground, proxy_section(rules)))
    url = target.format(far=ground.far.inner4)
    done = curl(ground, "-o", "/dev/null", "-w", "%{http_code} %{http_connect}", url, proxy=proxy, scheme="http")
    assert str(status) in done.stdout.decode().split()


# Access rules ----------------------------------------------------------------


def test_rules_hold_for_names_and_for_what_they_lead_to(ground):
    rules = f"Deny = {ground.far.inner6}\nAllow = corp.test port=80\n"
    proxy = ground.start(conf(ground, proxy_section(rules)))

    def code(host, port=80):
        return socks.reply_to(ground.client, proxy.address, host, port).code

    assert code("web.corp.test") == socks.SUCCEEDED
    assert code("six.corp.test") == socks.NOT_ALLOWED  # leads to the denied address only
    assert code("web.corp.test", 7002) == socks.NOT_ALLOWED
    assert code(ground.far.inner4) == socks.NOT_ALLOWED  # an address is no name of corp.test


# Other clients -----------------------------------------------------------------


def need(program):
    import shutil
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    return program


REQUEST = b"GET /hello HTTP/1.0\r\n\r\n"


@pytest.mark.parametrize("mode", ["4", "5", "connect"])
def test_netcat_comes_through(ground, mode):
    nc = need("nc.openbsd")
    proxy = ground.start(conf(ground, proxy_section()))
    done = ground.run([nc, "-X", mode, "-x", "127.0.0.1:1080", "-w", "5", ground.far.inner4, 80], input=REQUEST)
    assert services.HELLO in done.stdout, done.stderr


@pytest.mark.parametrize("kind", ["SOCKS4A", "PROXY"])
def test_socat_comes_through(ground, kind):
    socat = need("socat")
    ground.start(conf(ground, proxy_section()))
    option = "socksport" if kind == "SOCKS4A" else "proxyport"
    done = ground.run([socat, "-t5", "-", f"{kind}:127.0.0.1:web.corp.test:80,{option}=1080"], input=REQUEST)
    assert services.HELLO in done.stdout, done.stderr


def test_proxychains_comes_through(ground):
    chains = need("proxychains4")
    ground.start(conf(ground, proxy_section()))
    config = ground.work / "chains.conf"
    config.write_text("strict_chain\nproxy_dns\n[ProxyList]\nsocks5 127.0.0.1 1080\n")
    done = ground.run([chains, "-q", "-f", config, "curl", "-qsS", "http://web.corp.test/hello"])
    assert done.stdout == services.HELLO, done.stderr


# Datagrams ----------------------------------------------------------------------


def dns_query(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + labels + b"\0\0\x01\0\x01"


def associate(ground, proxy):
    control, reply = socks.request(ground.client, proxy.address, "0.0.0.0", 0, command=3)
    assert reply.code == socks.SUCCEEDED
    relay = ground.client.socket(socket.AF_INET, socket.SOCK_DGRAM)
    relay.settimeout(5)
    return control, relay, (reply.address, reply.port)


@pytest.mark.parametrize("host", ["10.77.0.1", "web.corp.test"])
def test_datagrams_reach_a_name_server_by_socks5(ground, host):
    proxy = ground.start(conf(ground, proxy_section()))
    control, relay, at = associate(ground, proxy)
    assert at == proxy.address, "the relay stands on the proxy's own port"
    with control, relay:
        relay.sendto(b"\0\0\0" + socks.destination(host, 53) + dns_query("four.corp.test"), at)
        answer, sender = relay.recvfrom(2048)
        assert sender == at
        header = b"\0\0\0" + socks.destination("10.77.0.1", 53)
        if host != "web.corp.test":
            assert answer.startswith(header)
        assert answer.endswith(socket.inet_aton(ground.far.inner4))


def test_an_association_ends_with_its_connection_and_takes_no_fragments(ground):
    proxy = ground.start(conf(ground, proxy_section()))
    idle = proxy.handles()
    control, relay, at = associate(ground, proxy)
    packet = socks.destination(ground.far.inner4, 53) + dns_query("four.corp.test")
    relay.settimeout(0.5)
    with relay:
        relay.sendto(b"\0\0\x01" + packet, at)
        with pytest.raises(TimeoutError):
            relay.recv(2048)
        relay.sendto(b"\0\0\0" + packet, at)
        assert relay.recv(2048)
        control.close()
        process.wait_until(lambda: proxy.handles() <= idle, 5, "the association's end")
        relay.sendto(b"\0\0\0" + packet, at)
        with pytest.raises(TimeoutError):
            relay.recv(2048)


def test_pysocks_speaks_datagrams(ground):
    script = (
        "import socks, sys\n"
        "s = socks.socksocket(type=2)\n"
        "s.set_proxy(socks.SOCKS5, '127.0.0.1', 1080)\n"
        "s.settimeout(5)\n"
        f"s.sendto({dns_query('four.corp.test')!r}, ('{ground.far.inner4}', 53))\n"
        "sys.stdout.write(s.recv(2048)[-4:].hex())\n"
    )
    if ground.run(["/usr/bin/python3", "-c", "import socks"]).returncode != 0:
        pytest.skip("PySocks is not installed")
    ground.start(conf(ground, proxy_section()))
    done = ground.run(["/usr/bin/python3", "-c", script])
    assert done.stdout.decode() == socket.inet_aton(ground.far.inner4).hex(), done.stderr


# Forwards -------------------------------------------------------------------------


def test_forwards_lead_in_by_tcp_udp_and_unix_sockets(ground):
    path = ground.work / "web.sock"
    ground.start(arguments=(
        "-L", "8080:web.corp.test:80", "-L", f"unix:{path}:{ground.far.inner4}:80",
        "-L", f"udp:5353:{ground.far.inner4}:53"))
    assert body_of(ground, "http://127.0.0.1:8080/hello") == services.HELLO
    assert body_of(ground, "--unix-socket", path, "http://any/hello") == services.HELLO
    with ground.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(dns_query("four.corp.test"), ("127.0.0.1", 5353))
        assert s.recv(2048).endswith(socket.inet_aton(ground.far.inner4))


def test_reverse_forwards_lead_out_of_the_tunnel(ground):
    with ground.client.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 8081))
        listener.listen()
        ground.start(arguments=("-D", "1080", "-R", "8080:127.0.0.1:8081", "-R", "8082:127.0.0.1:8083"))
        # The tunnel begins with the first word from inside.
        assert body_of(ground, "-x", "socks5h://127.0.0.1:1080", hello_url(ground)) == services.HELLO
        with ground.far.network.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
            caller.settimeout(5)
            caller.connect(("10.77.0.2", 8080))
            caller.sendall(b"ping")
            caller.shutdown(socket.SHUT_WR)
            callee, _ = listener.accept()
            with callee:
                callee.settimeout(5)
                assert callee.recv(16) == b"ping" and callee.recv(16) == b""
                callee.sendall(b"pong")
                callee.shutdown(socket.SHUT_WR)
                assert caller.recv(16) == b"pong" and caller.recv(16) == b""
    # Nobody is at the other port: whoever calls is told so, perhaps before he is back from connect().
    with ground.far.network.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        caller.settimeout(5)
        with pytest.raises(ConnectionResetError):
            caller.connect(("10.77.0.2", 8082))
            caller.recv(1)


# Half-close -------------------------------------------------------------------------


SIZE = 8 * body.MIB


def open_socks5(ground, proxy):
    return socks.connect(ground.client, proxy.address, ground.far.inner4, 7001)


def open_socks4(ground, proxy):
    s = ground.client.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.connect(proxy.address)
    s.sendall(struct.pack("!BBH4s", 4, 1, 7001, socket.inet_aton(ground.far.inner4)) + b"\0")
    assert s.recv(8, socket.MSG_WAITALL)[1] == 90
    return s


def open_http(ground, proxy):
    s = ground.client.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.connect(proxy.address)
    s.sendall(f"CONNECT {ground.far.inner4}:7001 HTTP/1.1\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += s.recv(1)
    assert b" 200 " in head
    return s


def open_forward(ground, proxy):
    s = ground.client.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.connect(("127.0.0.1", 7777))
    return s


def check_answer(got):
    line, rest = got.split(b"\n", 1)
    assert line.decode() == f"{SIZE} {body.checksum(SIZE, 3)}"
    assert hashlib.sha256(rest).hexdigest() == body.checksum(body.MIB, 7001)


@pytest.mark.parametrize("way", [open_socks5, open_socks4, open_http, open_forward])
def test_half_close_is_kept_on_every_door(ground, way):
    """8 MiB, the end of file, and only then an answer of 1 MiB."""
    proxy = ground.start(conf(ground, proxy_section()), arguments=("-L", f"7777:{ground.far.inner4}:7001"))
    with way(ground, proxy) as s:
        s.settimeout(60)
        for chunk in body.chunks(SIZE, 3):
            s.sendall(chunk)
        s.shutdown(socket.SHUT_WR)
        got = b""
        while piece := s.recv(body.CHUNK):
            got += piece
    check_answer(got)


# Standard input and output, and commands ------------------------------------------------


def wgproxy_command(ground, *arguments):
    path = ground.work / "command.conf"
    path.write_text(ground.client_conf())
    path.chmod(0o600)
    return [*process.UNPRIVILEGED, product.binary(), "-c", path, *arguments]


def test_standard_input_and_output_lead_to_a_target(ground):
    sent = b"".join(body.chunks(SIZE, 3))
    done = ground.run(wgproxy_command(ground, "-W", f"{ground.far.inner4}:7001"), input=sent, timeout=120)
    assert done.returncode == 0 and done.stderr == b""
    check_answer(done.stdout)


def test_a_target_that_refuses_is_named_and_the_status_says_so(ground):
    done = ground.run(wgproxy_command(ground, "-W", "web.corp.test:7002"), input=b"")
    assert done.returncode == 1
    assert b"web.corp.test:7002" in done.stderr and done.stdout == b""


def test_git_clones_over_standard_input_and_output(ground):
    """git:// through a proxy command, as ssh's ProxyCommand works."""
    git = need("git")
    repository = ground.work / "there" / "project.git"
    for arguments in (("init", "-q", "--bare", repository),):
        assert ground.run([git, *arguments]).returncode == 0
    tree = ground.work / "tree"
    tree.mkdir()
    (tree / "file").write_text("through the tunnel\n")
    who = ["-c", "user.name=t", "-c", "user.email=t@t"]
    for arguments in (("init", "-q"), ("add", "file"), (*who, "commit", "-qm", "one"), ("push", "-q", repository, "HEAD:main")):
        done = ground.run([git, "-C", tree, *arguments])
        assert done.returncode == 0, done.stderr
    daemon = process.Process(
        ground.far.network,
        [git, "daemon", "--reuseaddr", "--export-all", "--verbose", f"--base-path={repository.parent}", f"--listen={ground.far.inner4}"],
        ground.work / "git.log")
    try:
        daemon.wait_for_output("Ready to rumble", 10)
        script = ground.work / "proxy"
        words = " ".join(str(w) for w in wgproxy_command(ground))
        script.write_text(f'#!/bin/sh\nexec {words} -q -W "$1:$2"\n')
        script.chmod(0o755)
        done = ground.run([git, "-c", f"core.gitProxy={script}", "clone", "-q", "-b", "main",
                           f"git://{ground.far.inner4}/project.git", ground.work / "clone"])
        assert done.returncode == 0, done.stderr
        assert (ground.work / "clone" / "file").read_text() == "through the tunnel\n"
    finally:
        daemon.kill()


@pytest.mark.parametrize("private", [(), ("--unix",)])
def test_a_command_runs_through_the_tunnel_with_its_own_status(ground, private):
    script = 'curl -qsS http://web.corp.test/hello; exit 7'
    done = ground.run(wgproxy_command(ground, *private, "-q", "--", "sh", "-c", script))
    assert done.stdout == services.HELLO, done.stderr
    assert done.returncode == 7


def test_a_command_does_not_run_when_the_tunnel_does_not_come(bare_ground):
    ground = bare_ground
    ground.add_far(start=False)
    ground.expect(port_unreachable=True)
    done = ground.run(wgproxy_command(ground, "--wait", "2", "--", "echo", "ran"))
    assert done.returncode == 4 and done.stdout == b""
    assert b"no answer from" in done.stderr and b"echo was not run" in done.stderr


# The status port, and the end --------------------------------------------------------------


def test_the_status_port_tells_whether_the_tunnel_is_fit(ground):
    interface = ground.interface(CheckAlive=ground.far.inner4, CheckAliveInterval=1)
    ground.start(interface + ground.peer() + "[Proxy]\nBindAddress = 1080\n", arguments=("-i", "9080"))

    def ready():
        return curl(ground, "--fail", "http://127.0.0.1:9080/readyz").returncode == 0

    process.wait_until(ready, 10, "a pong")
    assert body_of(ground, "http://127.0.0.1:9080/readyz").startswith(b'{"10.77.0.1":1')
    metrics = body_of(ground, "http://127.0.0.1:9080/metrics").decode()
    assert "private_key=REDACTED" in metrics and "last_handshake_time_sec=1" in metrics
    pac = body_of(ground, "http://127.0.0.1:9080/proxy.pac").decode()
    assert 'isInNet(host, "10.77.0.0", "255.255.0.0")' in pac and '"corp.test"' in pac


def test_what_runs_may_end_after_the_first_signal(ground):
    proxy = ground.start()
    with socks.connect(ground.client, proxy.address, ground.far.inner4, 7001) as s:
        s.settimeout(10)
        s.sendall(b"x")
        proxy.signal()
        proxy.wait_for_log("no new connections")
        with ground.client.socket(socket.AF_INET, socket.SOCK_STREAM) as late:
            assert late.connect_ex(proxy.address) != 0
        s.shutdown(socket.SHUT_WR)
        got = b""
        while piece := s.recv(body.CHUNK):
            got += piece
    assert got.startswith(b"1 ") and len(got) > body.MIB
    assert proxy.wait(5) == 0

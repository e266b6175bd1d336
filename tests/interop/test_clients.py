# SPDX-License-Identifier: MIT
"""The programs that people use, each at the doors that it knows."""

import contextlib
import fcntl
import json
import os
import select
import shutil
import socket
import subprocess
import termios
import threading
from types import SimpleNamespace

import pytest

from ground import doors, machine, process, product, services

pytestmark = pytest.mark.usefixtures("wgproxy")

ALICE, PASSWORD = "alice", "se#cret word"  # characters that a file or a URL could trip over
AUTH = "alice:se%23cret%20word"
REQUEST = b"GET /hello HTTP/1.0\r\n\r\n"
PYTHON = "/usr/bin/python3"  # Debian's, with Debian's modules


def need(program):
    path = shutil.which(program)
    if not path:
        pytest.skip(f"{program} is not installed")
    return path


@pytest.fixture(scope="module")
def place(shared_ground):
    """One wgproxy: open and with users; over IPv4, IPv6 and a Unix socket; and forwards."""
    ground, far = shared_ground, shared_ground.far
    path = str(ground.work / "proxy.sock")
    far.network.sysctl("ipv4/ip_unprivileged_port_start", 0)
    users = f"Username = {ALICE}\nPassword = {PASSWORD}\nUsername = bob\nPassword = b\n"
    sections = (
        "[Proxy]\nBindAddress = 127.0.0.1:1080\n"
        f"[Proxy]\nBindAddress = 127.0.0.1:1081\n{users}"
        "[Proxy]\nBindAddress = [::1]:1080\n"
        f"[Proxy]\nBindAddress = unix:{path}\n"
        "[Socks5]\nBindAddress = 127.0.0.1:1082\n"
        "[http]\nBindAddress = 127.0.0.1:1083\n"
        "[Proxy]\nBindAddress = 127.0.0.1:1084\nProtocols = socks4\n"
        "[SNI]\nBindAddress = 127.0.0.1:8443\n")
    proxy = ground.start(ground.client_conf() + sections, arguments=(
        "-L", f"5201:{far.inner4}:5201", "-L", f"udp:5201:{far.inner4}:5201", "-L", "8080:web.corp.test:80",
        "-L", f"udp:5353:{far.inner4}:53", "-L", f"5353:{far.inner4}:53"))
    return SimpleNamespace(ground=ground, proxy=proxy, far=far, path=path)


def run(place, *argv, **options):
    done = place.ground.run(argv, **options)
    said = done.stderr.decode(errors="replace")
    assert done.returncode == 0, f"{argv[0]}: exit {done.returncode}: {said}"
    return done.stdout


def curl(place, *arguments, **options):
    return run(place, "curl", "-q", "-sS", "--fail", "--max-time", "30", *arguments, **options)


# curl ---------------------------------------------------------------------


DOORS = {"IPv4": "127.0.0.1:1080", "IPv6": "[::1]:1080"}
SCHEMES = ("socks4", "socks4a", "socks5", "socks5h", "http")


def url_for(place, scheme):
    """A name, where the proxy is who looks it up."""
    host = place.far.inner4 if scheme in ("socks4", "socks5") else "web.corp.test"
    return f"http://{host}/hello"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_curl_one_port_speaks_every_protocol(place, door, scheme):
    assert curl(place, "--proxy", f"{scheme}://{DOORS[door]}", url_for(place, scheme)) == services.HELLO


@pytest.mark.parametrize("door", DOORS)
def test_curl_connects_by_http_too(place, door):
    got = curl(place, "--proxytunnel", "--proxy", f"http://{DOORS[door]}", url_for(place, "http"))
    assert got == services.HELLO


def test_curl_reaches_IPv6_by_every_protocol_that_can(place):
    for scheme in ("socks5", "socks5h", "http"):
        url = f"http://[{place.far.inner6}]/who"
        assert curl(place, "-g", "--proxy", f"{scheme}://127.0.0.1:1080", url) == b"fd77::2\n"


@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "socks5h"])
def test_curl_comes_through_a_unix_socket(place, scheme):
    assert curl(place, "--proxy", f"{scheme}://localhost{place.path}", url_for(place, scheme)) == services.HELLO


def test_curl_speaks_http_through_a_unix_socket(place):
    url = url_for(place, "http")
    assert curl(place, "--unix-socket", place.path, "--request-target", url, url) == services.HELLO


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "http"])
def test_curl_gives_its_password(place, scheme):
    url = url_for(place, scheme)
    for who in (AUTH, "bob:b"):
        for tunnel in ([], ["--proxytunnel"]) if scheme == "http" else ([],):
            assert curl(place, *tunnel, "--proxy", f"{scheme}://{who}@127.0.0.1:1081", url) == services.HELLO


@pytest.mark.parametrize("scheme", SCHEMES)
def test_curl_gets_nothing_with_another_password_or_none(place, scheme):
    """SOCKS4 has no passwords, so it is no way around them."""
    for who in ("", "alice:wrong@", "alice:@", "carol:b@", "bob:se%23cret%20word@"):
        done = place.ground.run(["curl", "-q", "-sS", "--fail", "--max-time", "30", "--proxy",
                                 f"{scheme}://{who}127.0.0.1:1081", url_for(place, scheme)])
        assert done.returncode != 0 and done.stdout == b""
    assert PASSWORD not in place.proxy.log


@pytest.mark.parametrize("port, schemes", [(1082, ("socks4", "socks4a", "socks5", "socks5h")), (1083, ("http",)),
                                           (1084, ("socks4", "socks4a"))])
def test_curl_meets_doors_for_one_protocol_only(place, port, schemes):
    for scheme in SCHEMES:
        done = place.ground.run(["curl", "-q", "-sS", "--fail", "--max-time", "30", "--proxy",
                                 f"{scheme}://127.0.0.1:{port}", url_for(place, scheme)])
        assert (done.stdout == services.HELLO) == (scheme in schemes), done.stderr


TLS_SERVER = """
import http.server, ssl, sys
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello over TLS")
server = http.server.ThreadingHTTPServer((sys.argv[1], 443), Hello)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server.socket = context.wrap_socket(server.socket, server_side=True)
print("serving", flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def certificate(place):
    """Of a TLS server behind the tunnel, which runs."""
    openssl, work = need("openssl"), place.ground.work
    run(place, openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=web.corp.test", "-addext", "subjectAltName=DNS:web.corp.test,DNS:intranet.corp.test",
        "-keyout", work / "tls.key", "-out", work / "tls.pem")
    server = process.Process(place.far.network, [PYTHON, "-c", TLS_SERVER, place.far.inner4, work / "tls.pem",
                                                 work / "tls.key"], work / "tls.log")
    server.wait_for_output("serving", 60)
    yield work / "tls.pem"
    server.kill()


@pytest.mark.parametrize("proxy", ["socks4a://127.0.0.1:1080", "socks5h://[::1]:1080", "http://127.0.0.1:1080",
                                   f"http://{AUTH}@127.0.0.1:1081"])
def test_curl_speaks_TLS_through_every_proxy(place, certificate, proxy):
    got = curl(place, "--cacert", certificate, "--proxy", proxy, "https://intranet.corp.test/")
    assert got == b"hello over TLS"


@pytest.mark.parametrize("version", ["--tlsv1.3", "--tls-max=1.2"])
def test_curl_is_led_by_the_servers_name(place, certificate, version):
    """The door knows nothing but the name in TLS's greeting; who has none there is turned away in TLS's words."""
    version = version.split("=") if "=" in version else [version]
    arguments = ["--cacert", certificate, *version, "--connect-to", "::127.0.0.1:8443"]
    assert curl(place, *arguments, "https://intranet.corp.test/") == b"hello over TLS"
    for host, word in (("no-such.corp.test", b"unrecognized"), ("10.77.0.1", b"unrecognized")):
        done = place.ground.run(["curl", "-q", "-sS", *arguments, f"https://{host}/"])
        assert done.returncode == 35 and word in done.stderr.lower(), done.stderr


# netcat, socat, proxychains -------------------------------------------------------


@pytest.mark.parametrize("mode", ["4", "5", "connect"])
@pytest.mark.parametrize("door", ["127.0.0.1:1080", "[::1]:1080"])
def test_netcat_comes_through(place, mode, door):
    nc = need("nc.openbsd")
    host = place.far.inner4 if mode == "4" else "web.corp.test"
    got = run(place, nc, "-X", mode, "-x", door, "-w", "30", host, 80, input=REQUEST)
    assert services.HELLO in got


def answer_on_a_terminal(ground, argv, question, answer):
    """Run a program on a terminal of its own, where it asks something; returns all that it printed."""
    ours, theirs = os.openpty()

    def prepare():
        ground.client.join()
        machine.die_with_parent()
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=prepare,
                          stderr=subprocess.DEVNULL) as program:
        asked = b""
        while question not in asked:
            assert select.select([ours], [], [], 60)[0], f"not asked: {asked!r}"
            asked += os.read(ours, 1024)
        os.write(ours, answer + b"\n")
        printed = program.communicate(REQUEST, timeout=60)[0]
    os.close(ours)
    os.close(theirs)
    return printed


def test_netcat_gives_its_password(place):
    nc = need("nc.openbsd")
    got = answer_on_a_terminal(place.ground, [nc, "-X", "connect", "-P", ALICE, "-x", "127.0.0.1:1081", "-w", "30",
                                              "web.corp.test", "80"], b"assword", PASSWORD.encode())
    assert services.HELLO in got


@pytest.mark.parametrize("kind", ["SOCKS4", "SOCKS4A", "PROXY", "PROXY with a password"])
def test_socat_comes_through(place, kind):
    socat = need("socat")
    port, option = {"SOCKS4": ("1080", "socksport"), "SOCKS4A": ("1080", "socksport"), "PROXY": ("1080", "proxyport")
                    }.get(kind, ("1081", f"proxyauth={ALICE}:{PASSWORD},proxyport"))
    host = place.far.inner4 if kind == "SOCKS4" else "web.corp.test"
    got = run(place, socat, "-t30", "-", f"{kind.split()[0]}:127.0.0.1:{host}:80,{option}={port}", input=REQUEST)
    assert services.HELLO in got


@pytest.mark.parametrize("proxy", ["socks4 127.0.0.1 1080", "socks5 127.0.0.1 1080", "http 127.0.0.1 1080",
                                   "socks5 127.0.0.1 1081 bob b", "http 127.0.0.1 1081 bob b"])
def test_proxychains_comes_through(place, proxy):
    chains = need("proxychains4")
    config = place.ground.work / "chains.conf"
    config.write_text(f"strict_chain\nproxy_dns\n[ProxyList]\n{proxy}\n")
    got = run(place, chains, "-q", "-f", config, "curl", "-qsS", "http://web.corp.test/hello")
    assert got == services.HELLO


# Dante's socksify and PySocks ----------------------------------------------------------


@pytest.fixture
def socksified(place):
    """Runs a program under socksify, which puts itself between it and the C library."""
    socksify = need("socksify")
    config = place.ground.work / "dante.conf"
    config.write_text(
        "resolveprotocol: fake\n"
        "route { from: 0.0.0.0/0 to: 0.0.0.0/0 via: 127.0.0.1 port = 1080\n"
        "  proxyprotocol: socks_v5\n  method: none\n  protocol: tcp udp\n"
        "  command: connect udpassociate bind bindreply udpreply }\n")

    def run_it(*argv, **options):
        return run(place, "env", f"SOCKS_CONF={config}", socksify, *argv, **options)

    return run_it


def test_socksify_brings_curl_through(place, socksified):
    assert socksified("curl", "-qsS", "http://web.corp.test/hello") == services.HELLO


UDP_SCRIPT = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(30)
for i in range(3):
    s.sendto({query!r}, ({host!r}, 53))
    data, sender = s.recvfrom(2048)
    assert sender == ({host!r}, 53), sender
print(data[-4:].hex())
"""


def test_socksify_speaks_datagrams(place, socksified):
    script = UDP_SCRIPT.format(query=doors.dns_query("four.corp.test"), host=place.far.inner4)
    assert socksified(PYTHON, "-c", script).decode().strip() == socket.inet_aton(place.far.inner4).hex()


# dig and host cannot be brought through, by any proxy: their libuv sends with sendmmsg, which Dante 1.4 does not stand
# before, so that their questions come to the relay's port bare, without SOCKS' header (strace shows it), and are no
# datagrams of SOCKS5. What sends by write, send or sendto comes through.
@pytest.mark.parametrize("sender", [("nc", "-u", "-w5", "-W1", "{host}", "53"), ("socat", "-t2", "-", "UDP:{host}:53")])
def test_socksify_brings_datagrams_of_programs_through(place, socksified, sender):
    need(sender[0])
    argv = [word.format(host=place.far.inner4) for word in sender]
    answer = socksified(*argv, input=doors.dns_query("four.corp.test"))
    assert answer.endswith(socket.inet_aton(place.far.inner4))


# As an FTP client in active mode: it talks to the server, then waits for a connection from there.
BIND_SCRIPT = """
import ctypes, socket, sys
c = socket.create_connection(({host!r}, 7200))
s = socket.socket()
s.bind(("0.0.0.0", 0))
s.listen(1)
c.sendall(("%s %d\\n" % s.getsockname()).encode())
# Python's own accept is accept4, which Dante does not know.
sender, size = ctypes.create_string_buffer(128), ctypes.c_uint(128)
t = socket.socket(fileno=ctypes.CDLL(None).accept(s.fileno(), sender, ctypes.byref(size)))
sys.stdout.write("%s %s" % (socket.inet_ntoa(sender[4:8]), t.recv(100).decode()))
"""


def test_socksify_waits_for_a_connection(place, socksified):
    """BIND."""
    with doors.listen(place.far.network, (place.far.inner4, 7200)) as listener:
        said = []

        def call_back():
            control, _ = listener.accept()
            with control:
                said.append(control.makefile().readline().split())
                with place.far.network.socket() as s:
                    s.bind((place.far.inner4, 0))
                    s.connect((said[0][0], int(said[0][1])))
                    s.sendall(b"called back")

        thread = threading.Thread(target=call_back)
        thread.start()
        got = socksified(PYTHON, "-c", BIND_SCRIPT.format(host=place.far.inner4))
        thread.join()
    assert got.decode() == f"{place.far.inner4} called back"
    assert said[0][0] == "10.77.0.2"


PYSOCKS = """
import socks, sys
s = socks.socksocket(type={kind})
s.set_proxy(socks.{proxy}, '127.0.0.1', {port}, True, {user!r}, {password!r})
s.settimeout(30)
{then}
"""


def pysocks(place, then, proxy="SOCKS5", kind=1, port=1080, user=None, password=None):
    if place.ground.run([PYTHON, "-c", "import socks"]).returncode != 0:
        pytest.skip("PySocks is not installed")
    return run(place, PYTHON, "-c", PYSOCKS.format(**locals())).decode()


@pytest.mark.parametrize("proxy, port, user", [("SOCKS5", 1080, None), ("SOCKS4", 1080, None), ("HTTP", 1080, None),
                                               ("SOCKS5", 1081, ALICE)])
def test_pysocks_comes_through(place, proxy, port, user):
    then = f"s.connect(('web.corp.test', 80)); s.sendall({REQUEST!r})\nwhile (p := s.recv(999)): sys.stdout.write(p.decode())"
    got = pysocks(place, then, proxy, port=port, user=user, password=PASSWORD if user else None)
    assert services.HELLO.decode() in got


def test_pysocks_speaks_datagrams(place):
    query = doors.dns_query("four.corp.test")
    then = f"s.sendto({query!r}, ('{place.far.inner4}', 53)); sys.stdout.write(s.recv(2048)[-4:].hex())"
    assert pysocks(place, then, kind=2) == socket.inet_aton(place.far.inner4).hex()


def test_pysocks_waits_for_a_connection(place):
    """BIND; it has no method of its own for this, but the request that it makes is its own."""
    then = (
        "import socket\n"
        "socket.socket.connect(s, ('127.0.0.1', 1080))\n"
        f"waits = s._SOCKS5_request(s, b'\\x02', ('{place.far.inner4}', 0))[1]\n"
        "c = socks.socksocket(); c.set_proxy(socks.SOCKS5, '127.0.0.1', 1080)\n"
        f"c.connect(('{place.far.inner4}', 7201)); c.sendall(b'%d' % waits[1])\n"
        "head = s.recv(10)\n"
        "sys.stdout.write('%d ' % head[1] + s.recv(100).decode())")
    with doors.listen(place.far.network, (place.far.inner4, 7201)) as listener:

        def call_back():
            control, _ = listener.accept()
            with control, place.far.network.socket() as s:
                s.connect(("10.77.0.2", int(control.recv(10))))
                s.sendall(b"called back")

        thread = threading.Thread(target=call_back)
        thread.start()
        got = pysocks(place, then)
        thread.join()
    assert got == "0 called back"


# DNS and iperf3 -------------------------------------------------------------------------


@pytest.mark.parametrize("way", [("-p", "5353"), ("-p", "5353", "+tcp")])
def test_dig_asks_through_a_forward(place, way):
    dig = need("dig")
    got = run(place, dig, "@127.0.0.1", *way, "+short", "+tries=1", "web.corp.test", "A", "web.corp.test", "AAAA")
    assert got.decode().split() == [place.far.inner4, place.far.inner6]


@pytest.fixture
def iperf3_server(place):
    server = process.Process(place.far.network, [need("iperf3"), "-s", "-1", "-p", "5201", "--forceflush"],
                             place.ground.work / "iperf3.log")
    server.wait_for_output("Server listening", 60)
    yield
    server.kill()


@pytest.mark.parametrize("reverse", [(), ("-R",)])
def test_iperf3_measures_over_datagrams(place, iperf3_server, reverse):
    got = json.loads(run(place, "iperf3", "-c", "127.0.0.1", "-u", "-b", "2M", "-l", "1200", "-t", "1", "-J", *reverse))
    sums = got["end"]["sum"]
    assert sums["packets"] > 100
    assert sums["lost_packets"] <= sums["packets"] // 2  # a busy machine drops at every socket on the way


# ssh and git ----------------------------------------------------------------------------------


LOGIN = "someone"


@pytest.fixture(scope="module")
def ssh(place):
    """A server behind the tunnel, run by a plain user: sshd as root wants more than a user namespace gives.
    What is returned is the command that logs in there, less the way."""
    sshd, keygen = need("sshd"), need("ssh-keygen")
    need("ssh")
    home = place.ground.work / "ssh"
    home.mkdir()
    for name in ("host", "mine"):
        assert place.ground.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", home / name]).returncode == 0
    (home / "authorized").write_bytes((home / "mine.pub").read_bytes())
    (home / "known").write_text(f"* {(home / 'host.pub').read_text()}")
    (home / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\n{LOGIN}:x:1000:1000::{home}:/bin/sh\n")
    (home / "sshd.conf").write_text(
        f"ListenAddress {place.far.inner4}:22\nHostKey {home}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {home}/authorized\nPasswordAuthentication no\n")
    script = (f"mount --bind {home}/passwd /etc/passwd && exec unshare --user --map-user=1000 --map-group=1000"
              f" {sshd} -D -e -f {home}/sshd.conf")
    server = process.Process(place.far.network, ["unshare", "--mount", "sh", "-c", script], home / "sshd.log")
    server.wait_for_output("Server listening", 60)
    yield ["ssh", "-F", "none", "-i", home / "mine", "-o", f"UserKnownHostsFile={home}/known",
           "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-l", LOGIN]
    server.kill()


@pytest.mark.parametrize("way", ["nc.openbsd -X 5 -x 127.0.0.1:1080 %h %p", "nc.openbsd -X connect -x [::1]:1080 %h %p",
                                 "nc.openbsd -X 4 -x 127.0.0.1:1080 %h %p",
                                 "socat - PROXY:127.0.0.1:%h:%p,proxyport=1080"])
def test_ssh_comes_through_a_proxy_command(place, ssh, way):
    need(way.split()[0])
    host = place.far.inner4 if "-X 4" in way else "web.corp.test"
    got = run(place, *ssh, "-o", f"ProxyCommand={way}", host, "echo hello from $SSH_CONNECTION")
    assert got.startswith(b"hello from 10.77.0.2 ")


def stdio_command(ground):
    """`wgproxy -W`, with the tunnel to itself."""
    path = ground.work / "stdio.conf"
    path.write_text(ground.client_conf())
    path.chmod(0o600)
    return " ".join(str(word) for word in (*process.UNPRIVILEGED, product.binary(), "-q", "-c", path, "-W", "%h:%p"))


@pytest.fixture
def alone(place):
    """Two programs with one key would take the tunnel from each other, so ours has to end: the last test's."""
    assert place.proxy.stop() == 0
    return stdio_command(place.ground)


@contextlib.contextmanager
def repository(place):
    """A bare repository with one commit; git's environment is the test's own."""
    git, work = need("git"), place.ground.work / "git"
    shutil.rmtree(work, ignore_errors=True)
    tree = work / "tree"
    tree.mkdir(parents=True)
    (tree / "file").write_text("through the tunnel\n" * 1000)
    who = ["-c", "user.name=t", "-c", "user.email=t@t"]
    run(place, git, "init", "-q", "--bare", work / "project.git")
    for words in (("init", "-q"), ("add", "file"), (*who, "commit", "-qm", "one"),
                  ("push", "-q", work / "project.git", "HEAD:main")):
        run(place, git, "-C", tree, *words)
    yield work
    shutil.rmtree(work)


def check_clone(work):
    assert (work / "clone" / "file").read_text() == "through the tunnel\n" * 1000


@pytest.fixture
def web_of(place):
    """git's own server for HTTP, as a CGI program."""
    servers = []

    def start(work):
        (work / "cgi-bin").mkdir()
        script = work / "cgi-bin" / "git"
        script.write_text(f"#!/bin/sh\nexport GIT_PROJECT_ROOT={work} GIT_HTTP_EXPORT_ALL=1\n"
                          "git config --global --replace-all safe.directory '*'\nexec git http-backend\n")
        script.chmod(0o755)
        server = process.Process(place.far.network, [PYTHON, "-u", "-m", "http.server", "--cgi", "--bind",
                                                     place.far.inner4, "-d", work, "8000"], work / "web.log")
        server.wait_for_output("Serving HTTP", 60)
        servers.append(server)

    yield start
    for server in servers:
        server.kill()


@pytest.mark.parametrize("proxy", ["socks5h://127.0.0.1:1080", f"http://{AUTH}@127.0.0.1:1081"])
def test_git_clones_by_http(place, web_of, proxy):
    with repository(place) as work:
        web_of(work)
        run(place, "git", "-c", f"http.proxy={proxy}", "clone", "-q", "-b", "main",
            "http://web.corp.test:8000/cgi-bin/git/project.git", work / "clone")
        check_clone(work)


def test_git_clones_by_ssh(place, ssh):
    with repository(place) as work:
        command = " ".join(f"'{word}'" for word in (*ssh, "-o", "ProxyCommand=nc.openbsd -X 5 -x 127.0.0.1:1080 %h %p"))
        run(place, "env", f"GIT_SSH_COMMAND={command}", "git", "clone", "-q", "-b", "main",
            f"web.corp.test:{work}/project.git", work / "clone")
        check_clone(work)


def test_ssh_and_git_come_through_W(place, ssh, alone):
    got = run(place, *ssh, "-o", f"ProxyCommand={alone}", "web.corp.test", "cat; exit 0", input=b"x" * 100000)
    assert got == b"x" * 100000
    with repository(place) as work:
        command = " ".join(f"'{word}'" for word in (*ssh, "-o", f"ProxyCommand={alone}"))
        run(place, "env", f"GIT_SSH_COMMAND={command}", "git", "clone", "-q", "-b", "main",
            f"web.corp.test:{work}/project.git", work / "clone")
        check_clone(work)

# SPDX-License-Identifier: MIT
"""Where doors stand, where they lead, who may pass; commands, and the status port."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from ground import doors, pac, process, product, services, socks, wireguard

pytestmark = pytest.mark.usefixtures("wgproxy")


def conf(ground, *sections):
    return ground.client_conf() + "\n".join(sections) + "\n"


def proxy_section(more=""):
    return f"[Proxy]\nBindAddress = 127.0.0.1:1080\n{more}"


def body_of(ground, *arguments, **options):
    done = ground.curl("--fail", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def hello_url(ground, name=False):
    return f"http://{'web.corp.test' if name else ground.far.inner4}/hello"


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    return program


# Where they stand ------------------------------------------------------------


def test_port_0_is_a_free_one_and_is_printed(ground):
    proxy = ground.start(conf(ground, "[Proxy]\nBindAddress = [::1]:0\n", "[Proxy]\nBindAddress = 0\n"),
                         arguments=("-L", f"0:{ground.far.inner4}:80"))
    found = re.findall(r"proxy on (\S+)", proxy.log)
    assert len(found) == 2 and not any(at.endswith(":0") for at in found)
    for at in found:
        assert body_of(ground, "-x", f"socks5h://{at}", hello_url(ground)) == services.HELLO
    at = re.search(r"(\S+) leads to", proxy.log).group(1)
    assert body_of(ground, f"http://{at}/hello") == services.HELLO


# What a service manager does: it opens the sockets, and says so in the environment of the process that it becomes.
ACTIVATE = """
import os, socket, sys
fds = []
for at in sys.argv[1].split():
    if at.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.bind(at)
    else:
        s = socket.socket()
        s.bind(("127.0.0.1", int(at)))
    s.listen(64)
    fds.append(s.detach())
for i, fd in enumerate(fds):
    os.dup2(fd, 50 + i)
for i in range(len(fds)):
    os.dup2(50 + i, 3 + i)
    os.close(50 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=sys.argv[2])
os.execvp(sys.argv[3], sys.argv[3:])
"""


def test_sockets_are_taken_from_a_service_manager(ground):
    path = str(ground.work / "activated.sock")
    sections = "[Proxy]\nBindAddress = fd:proxy\n[http]\nBindAddress = fd:4\n"
    proxy = ground.start(conf(ground, sections), wrapper=("python3", "-c", ACTIVATE, f"1090 {path}", "proxy:web"))
    for scheme in ("socks5h", "socks4a", "http"):
        assert body_of(ground, "-x", f"{scheme}://127.0.0.1:1090", hello_url(ground, True)) == services.HELLO
    # Datagrams have no socket of their own there: they get a port beside it.
    with doors.Association(ground.client, ("127.0.0.1", 1090)) as a:
        a.send(ground.far.inner4, 53, doors.dns_query("four.corp.test"))
        assert a.receive()[2].endswith(socket.inet_aton(ground.far.inner4))
    url = hello_url(ground, True)
    assert body_of(ground, "--unix-socket", path, "--request-target", url, url) == services.HELLO
    assert proxy.stop() == 0
    assert os.path.exists(path), "it is the manager's"


@pytest.mark.parametrize("sections, arguments, fine", [
    ("[Proxy]\nBindAddress = fd:it\n", (), False),
    ("[Proxy]\nBindAddress = fd:it\nAllowLan = yes\n", (), True),
    ("", ("-D", "fd:3"), False), ("", ("-D", "fd:3", "--allow-lan"), True),
    ("[Status]\nBindAddress = fd:it\n", (), False),
    ("[Status]\nBindAddress = fd:it\nAllowLan = yes\n", (), True),
    ("", ("-i", "fd:3"), False), ("", ("-i", "fd:3", "--allow-lan"), True),
])
def test_what_is_handed_over_open_to_others_needs_the_same_words(ground, sections, arguments, fine):
    wrapper = ("python3", "-c", ACTIVATE.replace("127.0.0.1", "0.0.0.0"), "1090", "it")
    proxy = ground.launch(conf(ground, sections), wrapper=wrapper, arguments=arguments)
    if fine:
        proxy.wait_ready()
        assert "on 0.0.0.0:1090" in proxy.log
    else:
        assert proxy.wait(5) == 1
        assert "AllowLan = yes" in proxy.log


def test_a_socket_that_nobody_hands_over_is_named(ground):
    proxy = ground.launch(conf(ground, "[Proxy]\nBindAddress = fd:web\n"))
    assert proxy.wait(30) == 1
    assert '"web"' in proxy.log


def test_a_unix_socket_is_its_users_alone_and_goes_with_its_program(ground):
    path = str(ground.work / "own.sock")
    proxy = ground.start(conf(ground, f"[Proxy]\nBindAddress = unix:{path}\n"))
    assert os.stat(path).st_mode & 0o777 == 0o600
    proxy.kill()
    assert os.path.exists(path)
    proxy = ground.start(conf(ground, f"[Proxy]\nBindAddress = unix:{path}\n"))  # over the stale file
    assert body_of(ground, "-x", f"socks5h://localhost{path}", hello_url(ground)) == services.HELLO
    assert proxy.stop() == 0
    assert not os.path.exists(path)


@pytest.mark.parametrize("at, more, fine", [
    ("0.0.0.0:1080", "", False), ("[::]:1080", "", False), ("192.0.2.1:1080", "", False),
    ("0.0.0.0:1080", "AllowLan = yes\n", True), ("0.0.0.0:1080", "Username = a\nPassword = b\n", True),
])
def test_outside_loopback_a_door_is_open_only_where_the_file_says_so(ground, at, more, fine):
    proxy = ground.launch(conf(ground, f"[Proxy]\nBindAddress = {at}\n{more}"))
    if fine:
        proxy.wait_ready()
        login = "a:b@" if more.startswith("User") else ""
        assert body_of(ground, "-x", f"socks5h://{login}192.0.2.1:1080", hello_url(ground)) == services.HELLO
    else:
        assert proxy.wait(30) == 3
        assert "AllowLan" in proxy.log


# TLS to the proxy itself ---------------------------------------------------------


def make_certificate(ground, name="proxy.test"):
    """Each file takes the place of an old one, as those who renew do it."""
    openssl, made = need("openssl"), ground.work / "made"
    made.mkdir(exist_ok=True)
    done = ground.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                       "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                       "-keyout", made / "proxy.key", "-out", made / "proxy.pem"])
    assert done.returncode == 0, done.stderr
    os.chmod(made / "proxy.key", 0o600)
    for file in ("proxy.pem", "proxy.key"):
        (made / file).rename(ground.work / file)


@pytest.fixture
def shown(ground):
    """A certificate for the proxy, and how a door shows it; looked for beside the configuration."""
    make_certificate(ground)
    return "CertFile = proxy.pem\nKeyFile = proxy.key\n"


def test_curl_speaks_TLS_to_an_http_proxy(ground, shown):
    proxy = ground.start(conf(ground, f"[http]\nBindAddress = 127.0.0.1:8443\n{shown}",
                              f"[Proxy]\nBindAddress = 127.0.0.1:8444\nUsername = alice\nPassword = se cret\n{shown}"))
    assert "by TLS" in proxy.log and "warning" not in proxy.log
    trusting = ["--proxy-cacert", str(ground.work / "proxy.pem")]
    for at in ("127.0.0.1:8443", "alice:se%20cret@localhost:8444"):
        for way in ([], ["--proxytunnel"]):
            assert body_of(ground, *trusting, *way, "-x", f"https://{at}", hello_url(ground, True)) == services.HELLO
    for more in ([], [*trusting, "-x", "https://alice:wrong@localhost:8444"], [*trusting, "-x", "http://127.0.0.1:8443"]):
        done = ground.curl("--fail", "-x", "https://127.0.0.1:8443", *more, hello_url(ground))
        assert done.returncode != 0 and done.stdout == b""
    assert body_of(ground, *trusting, "-x", "https://127.0.0.1:8443", hello_url(ground)) == services.HELLO
    assert "se cret" not in proxy.log and "PRIVATE" not in proxy.log


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_who_does_not_finish_the_handshake_has_the_greetings_time(ground, shown, said):
    ground.start(conf(ground, proxy_section(shown), "[Limits]\nGreetingTimeout = 1\n"))
    with doors.plain(ground.client, ("127.0.0.1", 1080)) as s:
        s.sendall(said)
        assert s.recv(100) == b""


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_much_goes_both_ways_by_TLS(ground, shown, version):
    """SOCKS5 inside TLS, by Python's: what the far side's echo gives back, and the end of it."""
    ground.start(conf(ground, proxy_section(shown)))
    context = ssl.create_default_context(cafile=ground.work / "proxy.pem")
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    sent = os.urandom(3 << 20)
    with context.wrap_socket(doors.plain(ground.client, ("127.0.0.1", 1080)), server_hostname="127.0.0.1") as s:
        assert s.version() == version.replace("_", ".")
        s.settimeout(60)
        s.sendall(b"\5\1\0")
        assert s.recv(2) == b"\5\0"
        s.sendall(b"\5\1\0\1" + socket.inet_aton(ground.far.inner4) + (7006).to_bytes(2, "big"))
        assert s.recv(10)[:2] == b"\5\0"
        back = b""
        for at in range(0, len(sent), 1 << 16):
            s.sendall(sent[at:at + (1 << 16)])
            while len(back) < at:
                back += s.recv(1 << 16)
        while len(back) < len(sent):
            back += s.recv(1 << 16)
        assert back == sent


@pytest.mark.parametrize("spoil, words", [
    (lambda work: (work / "proxy.key").unlink(), r'KeyFile: "proxy.key": No such file'),
    (lambda work: (work / "proxy.key").write_text((work / "proxy.pem").read_text()), "no private key"),
    (lambda work: (work / "proxy.pem").write_text("nothing\n"), "no certificate"),
])
def test_a_certificate_that_is_none_is_said_before_anything_begins(ground, shown, spoil, words):
    spoil(ground.work)
    for arguments in ((), ("-n",)):
        proxy = ground.launch(conf(ground, f"[http]\nBindAddress = 127.0.0.1:8443\n{shown}"), arguments=arguments)
        assert proxy.wait(30) == 3
        assert len(re.findall(rf"^\S+client\d+\.conf:\d+: .*{words}", proxy.log, re.M)) == 1
        assert "ready" not in proxy.log


def test_a_renewed_certificate_is_shown_without_a_restart(ground, shown):
    proxy = ground.start(conf(ground, f"[http]\nBindAddress = 127.0.0.1:8443\n{shown}"))

    def subject():
        done = ground.run([need("openssl"), "s_client", "-connect", "127.0.0.1:8443"], stdin=subprocess.DEVNULL)
        return re.search(rb"subject=CN = (\S+)", done.stdout)[1].decode()

    assert subject() == "proxy.test"
    context = ssl.create_default_context(cafile=ground.work / "proxy.pem")
    with context.wrap_socket(doors.plain(ground.client, ("127.0.0.1", 8443)), server_hostname="127.0.0.1") as old:
        make_certificate(ground, "renewed.test")
        process.wait_until(lambda: subject() == "renewed.test", 20, "the new one is shown")
        old.sendall(f"GET {hello_url(ground)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert old.recv(100).startswith(b"HTTP/1.1 200 ")

    (ground.work / "proxy.key").write_text("nothing\n")
    process.wait_until(lambda: subject() and "warning" in proxy.log, 20, "a warning")
    assert subject() == "renewed.test"
    assert re.search(r"proxy.key have changed, but: there is no private key .* the old certificate", proxy.log)
    assert body_of(ground, "--proxy-cacert", ground.work / "proxy.pem", "-x", "https://127.0.0.1:8443",
                   hello_url(ground)) == services.HELLO

    make_certificate(ground, "again.test")
    process.wait_until(lambda: subject() == "again.test", 20, "a good pair is shown")
    assert proxy.log.count("warning") == 1


def test_a_key_that_others_may_read_is_warned_of(ground, shown):
    os.chmod(ground.work / "proxy.key", 0o644)
    proxy = ground.start(conf(ground, f"[http]\nBindAddress = 127.0.0.1:8443\n{shown}"))
    assert re.search(r"warning: proxy.key: others may read", proxy.log)


# Who may pass ------------------------------------------------------------------


def test_rules_hold_for_names_and_for_what_they_lead_to(ground):
    rules = f"Deny = {ground.far.inner6}\nAllow = corp.test port=80\n"
    proxy = ground.start(conf(ground, proxy_section(rules)))

    def code(host, port=80):
        return socks.reply_to(ground.client, proxy.address, host, port).code

    assert code("web.corp.test") == socks.SUCCEEDED
    assert code("six.corp.test") == socks.NOT_ALLOWED  # leads to the denied address only
    assert code("web.corp.test", 7002) == socks.NOT_ALLOWED
    assert code(ground.far.inner4) == socks.NOT_ALLOWED  # an address is no name of corp.test


def test_rules_hold_for_users(ground):
    """Each has his own part of the network; who is not named gets what is left."""
    users = "Username = alice\nPassword = a\nUsername = bob\nPassword = b\n"
    rules = "Allow = 10.77.0.1 user=alice\nAllow = web.corp.test port=80-90 user=bob\nDeny = *\n"
    ground.start(conf(ground, proxy_section(users + rules)))

    def passes(who, url, scheme):
        done = ground.curl("-o", "/dev/null", "-w", "%{http_code}", "-x", f"{scheme}://{who}@127.0.0.1:1080", url)
        return done.stdout == b"200"

    for scheme in ("socks5h", "http"):
        assert passes("alice:a", hello_url(ground), scheme)
        assert not passes("bob:b", hello_url(ground), scheme)
        assert passes("bob:b", hello_url(ground, True), scheme)


def test_the_files_rules_come_after_a_doors_own(ground):
    sections = (proxy_section("Allow = 10.77.0.1\n"), "[Proxy]\nBindAddress = 1081\n", "[Access]\nDeny = 10.77.0.0/16\n")
    ground.start(conf(ground, *sections))
    assert socks.reply_to(ground.client, ("127.0.0.1", 1080), ground.far.inner4, 80).code == socks.SUCCEEDED
    assert socks.reply_to(ground.client, ("127.0.0.1", 1081), ground.far.inner4, 80).code == socks.NOT_ALLOWED
    assert socks.reply_to(ground.client, ("127.0.0.1", 1080), ground.far.at("2.1"), 80).code == socks.NOT_ALLOWED


# Forwards -------------------------------------------------------------------------


def test_forwards_lead_in_by_tcp_udp_and_unix_sockets(ground):
    path = ground.work / "web.sock"
    ground.start(arguments=(
        "-L", "8080:web.corp.test:80", "-L", f"unix:{path}:{ground.far.inner4}:80",
        "-L", f"udp:5353:{ground.far.inner4}:53"))
    assert body_of(ground, "http://127.0.0.1:8080/hello") == services.HELLO
    assert body_of(ground, "--unix-socket", path, "http://any/hello") == services.HELLO
    with ground.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(30)
        s.sendto(doors.dns_query("four.corp.test"), ("127.0.0.1", 5353))
        assert s.recv(2048).endswith(socket.inet_aton(ground.far.inner4))


def test_reverse_forwards_lead_out_of_the_tunnel(ground):
    with ground.client.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 8081))
        listener.listen()
        ground.start(arguments=("-D", "1080", "-R", "8080:127.0.0.1:8081", "-R", "8082:127.0.0.1:8083"))
        # The tunnel begins with the first word from inside.
        assert body_of(ground, "-x", "socks5h://127.0.0.1:1080", hello_url(ground)) == services.HELLO
        with ground.far.network.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
            caller.settimeout(30)
            caller.connect(("10.77.0.2", 8080))
            caller.sendall(b"ping")
            caller.shutdown(socket.SHUT_WR)
            callee, _ = listener.accept()
            with callee:
                callee.settimeout(30)
                assert callee.recv(16) == b"ping" and callee.recv(16) == b""
                callee.sendall(b"pong")
                callee.shutdown(socket.SHUT_WR)
                assert caller.recv(16) == b"pong" and caller.recv(16) == b""
    # Nobody is at the other port: whoever calls is told so.
    with ground.far.network.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        caller.settimeout(30)
        with pytest.raises(ConnectionResetError):
            caller.connect(("10.77.0.2", 8082))
            assert caller.recv(1) != b"", "a clean end"


# Standard input and output, and commands ------------------------------------------------


def wait_for_another_initiation():
    """WireGuard answers no two initiations of one peer within 50 ms; the next try would come 5 s later."""
    time.sleep(0.1)


def wgproxy_command(ground, *arguments):
    path = ground.work / "command.conf"
    path.write_text(ground.client_conf())
    path.chmod(0o600)
    return [*process.UNPRIVILEGED, product.binary(), "-c", path, *arguments]


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
    # Not by way of `git daemon`, which has it as a child: that would outlive the test.
    daemon = process.Process(
        ground.far.network,
        [Path(ground.run([git, "--exec-path"]).stdout.decode().strip()) / "git-daemon", "--reuseaddr", "--export-all",
         "--verbose", f"--base-path={repository.parent}", f"--listen={ground.far.inner4}"],
        ground.work / "git.log")
    try:
        daemon.wait_for_output("Ready to rumble", 60)
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
    assert b"no answer from" in done.stderr and b"echo was not run -> 'wgproxy check'" in done.stderr


VARIABLES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def test_a_command_finds_its_way_by_every_usual_variable(ground):
    names = " ".join([*VARIABLES, *(name.lower() for name in VARIABLES)])
    script = f'for name in {names}; do eval "echo $name=\\$$name"; done; curl -qsS http://web.corp.test/hello'
    done = ground.run(wgproxy_command(ground, "-q", "--", "sh", "-c", script))
    said = dict(line.split("=", 1) for line in done.stdout.decode().splitlines() if "=" in line)
    for name in VARIABLES:
        assert said[name] and said[name] == said[name.lower()]
    assert done.stdout.endswith(services.HELLO)


def test_a_proxy_from_before_leads_no_command_around_the_tunnel(ground):
    """A scheme's own variable counts before ALL_PROXY, for curl and others: an inherited one must not stay."""
    for private in ((), ("--unix",)):
        words = wgproxy_command(ground, "-q", *private, "--", "curl", "-qsS", "http://web.corp.test/hello")
        done = ground.run(["env", "http_proxy=http://127.0.0.1:9", "HTTPS_PROXY=http://127.0.0.1:9", *words])
        assert done.stdout == services.HELLO, done.stderr
        wait_for_another_initiation()


def test_no_schemes_variable_from_before_leads_a_command_around_the_tunnel(ground):
    """curl asks ftp_proxy before all_proxy, and so for each scheme that it knows; rsync has a variable of its own."""
    before = {name: "http://127.0.0.1:9" for name in ("ftp_proxy", "FTP_PROXY", "wss_proxy", "Gopher_Proxy")}
    for private in ((), ("--unix",)):
        done = ground.run(["env", *(f"{n}={v}" for n, v in before.items()), "RSYNC_PROXY=127.0.0.1:9", "MY_PROXY_LIST=mine",
                           *wgproxy_command(ground, "-q", *private, "--", "env")])
        said = dict(line.split("=", 1) for line in done.stdout.decode().splitlines() if "=" in line)
        assert done.returncode == 0, done.stderr
        assert [n for n, v in said.items() if "127.0.0.1:9" in v] == []
        assert said["MY_PROXY_LIST"] == "mine" and said["ALL_PROXY"].startswith("socks5h://")
        wait_for_another_initiation()


def test_what_goes_past_the_tunnel_by_the_callers_wish_is_named(ground):
    done = ground.run(["env", "no_proxy=.corp.test", *wgproxy_command(ground, "--", "sh", "-c", "echo $no_proxy")])
    assert done.stdout == b".corp.test\n"
    assert b"warning: no_proxy is set" in done.stderr and b".corp.test" in done.stderr


def test_a_command_has_no_secret_and_nothing_of_a_service_manager(ground):
    path = ground.work / "command.conf"
    key = ground.keys.private
    path.write_text(f"shared = $SHARED\n{ground.interface(PrivateKey='${KEY}')}{ground.peer()}"
                    "[Proxy]\nBindAddress = fd:it\nUsername = $NAME\nPassword = %(shared)s\n")
    path.chmod(0o600)
    script = "env; ls -l /proc/self/fd"
    done = ground.run(["env", f"KEY={key}", "SHARED=open sesame", "NAME=u", "NOTIFY_SOCKET=/run/nobody",
                       "python3", "-c", ACTIVATE, "1090 1091", "it:unused",
                       product.binary(), "-q", "-c", path, "--", "sh", "-c", script])
    said = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert key not in said and "sesame" not in said and "NAME=u" in said
    for name in ("LISTEN_", "NOTIFY_SOCKET", "socket:["):
        assert name not in said, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1])
def test_a_command_gets_the_signals(ground, number):
    script = (f"trap 'echo got it; exit 9' {number.name[3:]}; echo started; "
              "i=0; while [ $i -lt 2000 ]; do sleep 0.05; i=$((i+1)); done")
    log = ground.work / "command.log"
    words = wgproxy_command(ground, "-q", "--", "sh", "-c", script)
    program = process.Process(ground.client, words, log)
    program.wait_for_output("started", 60)
    program.signal(number)
    assert program.wait(60) == 9
    assert "got it" in program.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_command_that_a_signal_kept_from_running_has_not_succeeded(bare_ground, number):
    """`wgproxy -- make test && deploy`, interrupted while the tunnel is waited for."""
    ground = bare_ground
    ground.add_far(start=False)
    ground.expect(port_unreachable=True)
    log = ground.work / "command.log"
    program = process.Process(ground.client, wgproxy_command(ground, "--", "echo", "ran"), log)
    program.wait_for_output(product.READY, 60)
    program.signal(number)
    assert program.wait(60) == 128 + number
    assert "ran" not in program.output


def test_a_command_ignores_what_its_starter_ignored(ground):
    """nohup(1) means the command, too; what wgproxy ignores for itself, it does not."""
    script = "grep SigIgn /proc/self/status"
    done = ground.run(["nohup", *wgproxy_command(ground, "-q", "--", "sh", "-c", script)])
    ignored = int(done.stdout.split()[1], 16)
    assert ignored & 1 << signal.SIGHUP - 1 and not ignored & 1 << signal.SIGPIPE - 1
    wait_for_another_initiation()
    done = ground.run(wgproxy_command(ground, "-q", "--", "sh", "-c", script))
    assert not int(done.stdout.split()[1], 16) & 1 << signal.SIGHUP - 1


def test_a_command_that_dies_of_a_signal_has_the_shells_status(ground):
    done = ground.run(wgproxy_command(ground, "-q", "--", "sh", "-c", "kill -KILL $$"))
    assert done.returncode == 128 + signal.SIGKILL


def test_a_commands_own_proxy_goes_with_it(ground):
    """Its port is nobody's afterwards, and its Unix socket leaves no file."""
    script = "echo $ALL_PROXY"
    done = ground.run(wgproxy_command(ground, "-q", "--", "sh", "-c", script))
    port = int(done.stdout.decode().rsplit(":", 1)[1].strip().strip("/"))
    with ground.client.socket() as s:
        assert s.connect_ex(("127.0.0.1", port)) != 0
    wait_for_another_initiation()
    done = ground.run(wgproxy_command(ground, "-q", "--unix", "--", "sh", "-c", script))
    path = "/" + done.stdout.decode().strip().split("/", 3)[3]
    assert "wgproxy-" in path and not os.path.exists(os.path.dirname(path))


def test_a_command_that_is_not_there_is_named(ground):
    done = ground.run(wgproxy_command(ground, "-q", "--", "no-such-program"))
    assert done.returncode == 127 and b"no-such-program" in done.stderr


# The status port ------------------------------------------------------------------------------


def test_the_status_port_tells_whether_the_tunnel_is_fit(ground):
    interface = ground.interface(CheckAlive=ground.far.inner4, CheckAliveInterval=1)
    ground.start(interface + ground.peer() + "[Proxy]\nBindAddress = 1080\n", arguments=("-i", "9080"))

    def ready():
        return ground.curl("--fail", "http://127.0.0.1:9080/readyz").returncode == 0

    process.wait_until(ready, 60, "a pong")
    assert body_of(ground, "http://127.0.0.1:9080/readyz").startswith(b'{"10.77.0.1":1')
    metrics = body_of(ground, "http://127.0.0.1:9080/metrics").decode()
    assert "private_key=REDACTED" in metrics and "last_handshake_time_sec=1" in metrics
    pac = body_of(ground, "http://127.0.0.1:9080/proxy.pac").decode()
    assert 'isInNet(host, "10.77.0.0", "255.255.0.0")' in pac and '"corp.test"' in pac


def ask(ground, command, *arguments):
    done = ground.run([product.binary(), command, *arguments])
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("at", ["9080", "[::1]:9080", "0.0.0.0:9080", "unix:/tmp/status"])
def test_the_one_that_runs_can_be_shown(ground, at):
    at = at.replace("/tmp", str(ground.work))
    proxy = ground.start(ground.client_conf() + proxy_section() + f"[Status]\nBindAddress = {at}\nAllowLan = yes\n")
    assert body_of(ground, "-x", proxy.url(), hello_url(ground)) == services.HELLO
    for where in (("-i", at), ("-c", proxy.config_path)):
        assert ask(ground, "ready", *where) == (0, "ready\n", "")
        status, shown, said = ask(ground, "show", *where)
        assert status == 0 and said == ""
        assert shown.startswith(f"interface: {proxy.config_path}\n  public key: ")
        assert f"\npeer: {ground.far.keys.public}\n  endpoint: 192.0.2.2:51820\n" in shown
        assert re.search(r"\n  latest handshake: .*\n  transfer: .*B received, .*B sent\n", shown)
        assert ground.keys.private not in shown


def test_who_cannot_be_asked_is_said(ground):
    assert ask(ground, "ready", "-i", "9080") == (
        1, "", "wgproxy: cannot ask for the status at 127.0.0.1:9080: nobody is there -> start wgproxy with -i, or with a "
               "[Status] in its file\n")
    proxy = ground.start(ground.interface() + ground.peer(PublicKey=wireguard.Keys.new().public) + proxy_section(),
                         arguments=("-i", "9080"))
    assert ask(ground, "ready", "-i", "9080") == (1, "not ready\n", "")
    status, _, said = ask(ground, "show", "-c", proxy.config_path)
    assert status == 1 and "there is no [Status]" in said
    status, _, said = ask(ground, "show", "-i", "1080")  # its proxy
    assert status == 1 and "tells no status" in said


# As Prometheus asks, versions 2 and 3.
SCRAPES = (
    "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
)


def scrape(ground, accept=SCRAPES[0]):
    """What Prometheus's own reader makes of it: {(name, labels): value}."""
    parser = pytest.importorskip("prometheus_client.parser")
    text = body_of(ground, "-H", f"Accept: {accept}", "http://127.0.0.1:9080/metrics").decode()
    families = list(parser.text_string_to_metric_families(text))
    assert all(f.documentation and f.type in ("counter", "gauge") for f in families)
    assert len({f.name for f in families}) == len(families)
    samples = [s for f in families for s in f.samples]
    found = {(s.name, *(v for k, v in sorted(s.labels.items()) if k != "tunnel")): s.value for s in samples}
    assert len(found) == len(samples) > 30
    return found


@pytest.mark.parametrize("accept", SCRAPES)
def test_prometheus_can_scrape_it(ground, accept):
    proxy = ground.start(ground.client_conf() + proxy_section(), arguments=("-i", "9080"))
    assert scrape(ground, accept)["wgproxy_tcp_connections",] == 0
    peer = ground.far.keys.public
    with socks.connect(ground.client, proxy.address, ground.far.inner4, 80):
        during = scrape(ground, accept)
    assert during["wgproxy_tunnel_ready",] == during["wgproxy_tcp_connections",] == 1
    assert during["wgproxy_peer_handshakes_total", peer] == during["wgproxy_peer_has_session", peer] == 1
    assert during["wgproxy_peer_received_bytes_total", peer] > 92
    assert during["wgproxy_peer_last_handshake_seconds", peer] > 1.7e9


def test_what_is_dropped_is_counted_by_reason(ground):
    ground.start(ground.client_conf() + proxy_section(), arguments=("-i", "9080"))
    plain = body_of(ground, "http://127.0.0.1:9080/metrics").decode()
    port = int(re.search(r"listen_port=(\d+)", plain).group(1))
    assert "dropped_malformed" not in plain
    with ground.client.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"no WireGuard", ("127.0.0.1", port))
    process.wait_until(lambda: scrape(ground)["wgproxy_outer_packets_dropped_total", "malformed"] == 1, 20, "the counter")
    assert scrape(ground)["wgproxy_inner_packets_dropped_total", "fragment"] == 0
    assert "outer_dropped_malformed=1\n" in body_of(ground, "http://127.0.0.1:9080/metrics").decode()


def pac_answers(ground, allowed_ips, hosts, dns="10.77.0.1, Corp.Test."):
    pac.need_node()
    ground.start(ground.interface(DNS=dns) + ground.peer(AllowedIPs=allowed_ips) + proxy_section(),
                 arguments=("-i", "9080"))
    return pac.ask(ground, body_of(ground, "http://127.0.0.1:9080/proxy.pac"), hosts)


INTO_THE_TUNNEL = (
    "web.corp.test", "web.corp.test.", "WEB.CORP.TEST.",  # the domain in whatever spelling, here and in the file
    "10.77.3.4", "[fd77::5]", "[fd77:0:0:0:0:0:0:5]", "[::ffff:a4d:304]", "[::ffff:10.77.3.4]",
)
ELSEWHERE = ("10.78.0.1", "[fd78::5]", "[::ffff:a4e:1]", "[::1]", "example.com", "example.com.", "[::a4d:304]")


def test_no_spelling_of_what_is_inside_goes_around_the_tunnel(ground):
    answers = pac_answers(ground, "10.77.0.0/16, fd77::/16", INTO_THE_TUNNEL + ELSEWHERE)
    assert [h for h in INTO_THE_TUNNEL if "1080" not in answers[h]] == []
    assert [h for h in ELSEWHERE if answers[h] != "DIRECT"] == []


@pytest.mark.parametrize("allowed_ips, outside", [
    ("0.0.0.0/1, 128.0.0.0/1", ()),
    # As calculators write "all but 192.168.0.0/16".
    ("0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/9, 192.128.0.0/11, 192.160.0.0/13, 192.169.0.0/16, 192.170.0.0/15, "
     "192.172.0.0/14, 192.176.0.0/12, 192.192.0.0/10, 193.0.0.0/8, 194.0.0.0/7, 196.0.0.0/6, 200.0.0.0/5, 208.0.0.0/4, ::/0",
     ("192.168.0.1",)),
])
def test_names_follow_a_tunnel_for_nearly_everything(ground, allowed_ips, outside):
    inside = ("example.com", "corp.test", "198.51.100.1", "[2001:db8::1]")
    answers = pac_answers(ground, allowed_ips, inside + outside)
    assert [h for h in inside if "1080" not in answers[h]] == []
    assert [h for h in outside if answers[h] != "DIRECT"] == []

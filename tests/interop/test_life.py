# SPDX-License-Identifier: MIT
"""Start, stop, restart, idleness, and what the log may say."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from ground import product, services, socks
from ground.body import MIB
from ground.capture import INITIATION, RESPONSE
from ground.process import UNPRIVILEGED, wait_until

pytestmark = pytest.mark.usefixtures("wgproxy")

RUNTIME_FAILURE = 1


def hello(ground, proxy):
    page = ground.fetch(f"http://{ground.far.inner4}/hello", proxy=proxy)
    return page == services.HELLO


def open_download(ground, proxy, size=64 * MIB):
    """A flow with bytes on their way in both senses."""
    s = socks.connect(ground.client, proxy.address, ground.far.inner4, 80)
    s.sendall(f"GET /bytes?size={size} HTTP/1.0\r\n\r\n".encode())
    s.recv(1, socket.MSG_PEEK)
    return s


def port_is_free(ground, address):
    """For a server that starts now; ends of old connections may still linger."""
    with ground.client.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(address)
            s.listen()
        except OSError:
            return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_a_second_signal_ends_it_at_once_even_with_open_flows(ground, number):
    proxy = ground.start(ground.client_conf() + "[Proxy]\nBindAddress = 1080\n[Limits]\nDrainTimeout = 300\n")
    flows = [open_download(ground, proxy) for _ in range(5)]
    idle = socks.connect(ground.client, proxy.address, ground.far.inner4, 7001)
    half_said = ground.client.socket()
    half_said.connect(proxy.address)
    half_said.sendall(b"\x05")
    proxy.signal(number)
    proxy.wait_for_log("no new connections")
    proxy.signal(number)
    assert proxy.wait(60) == 0
    for s in (*flows, idle, half_said):
        s.close()
    wait_until(lambda: port_is_free(ground, ("127.0.0.1", 1080)), 30, "the port is free")


def test_a_hangup_that_was_ignored_at_the_start_stays_so(ground):
    """As by nohup(1): whoever wants the end says so otherwise."""
    proxy = ground.start(wrapper=("nohup",))
    proxy.signal(signal.SIGHUP)
    proxy.signal(signal.SIGHUP)
    assert hello(ground, proxy)
    assert proxy.stop() == 0


# A user's terminal: its shell leads the session, starts words in the foreground, and waits for their end.
TERMINAL = """
import os, pty, sys
pid, _ = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", '"$@" && echo done >"$0"; read never', *sys.argv[1:]])
sys.stdin.read()  # until we hang up: the terminal goes with this process
"""


@pytest.fixture
def terminal(ground):
    """Runs words in a terminal until they are done; call it again to hang up."""
    done, said = ground.work / "done", ground.work / "terminal.log"
    opened = []

    def use(*words):
        if words:
            opened.append(subprocess.Popen(
                [sys.executable, "-c", TERMINAL, done, "sh", "-c", 'exec "$@" 2>"$0"', said, *map(str, words)],
                stdin=subprocess.PIPE, preexec_fn=ground.client.join))
            wait_until(done.exists, 60, f"the end of {words}")
        else:
            opened[0].stdin.close()
            assert opened[0].wait(30) == 0

    yield use
    for process in opened:
        process.kill()


def test_a_daemon_outlives_the_terminal_that_started_it(ground, terminal):
    path = ground.work / "daemon.conf"
    path.write_text(ground.client_conf())
    path.chmod(0o600)
    terminal(*UNPRIVILEGED, product.binary(), "-c", path, "-d")
    pid = owner_of(ground, 1080)
    try:
        terminal()
        proxy = types.SimpleNamespace(url=lambda scheme: f"{scheme}://127.0.0.1:1080")
        assert hello(ground, proxy)
        assert os.getsid(pid) == pid and terminal_of(pid) == 0
    finally:
        os.kill(pid, signal.SIGHUP)
    wait_until(lambda: owner_of(ground, 1080) is None, 30, "a hangup of its own ends it")


def owner_of(ground, port):
    done = ground.run(["ss", "-Hltnp", f"( sport = :{port} )"])
    found = re.search(rb"pid=(\d+)", done.stdout)
    return int(found.group(1)) if found else None


def terminal_of(pid):
    """Its number, 0 for none (proc(5))."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[4])


def test_what_breaks_leaves_no_memory_on_the_disk(ground):
    """A core file would hold the private key. Where the system hands cores to a program, this shows nothing."""
    cores = ground.work / "cores"
    cores.mkdir()
    proxy = ground.start(wrapper=("env", "-C", cores, "prlimit", "--core=unlimited"))
    assert hello(ground, proxy)
    proxy.signal(signal.SIGABRT)
    assert proxy.wait(5.0) == -signal.SIGABRT
    assert list(cores.iterdir()) == []


def test_no_socket_takes_the_place_of_a_closed_standard_stream(ground):
    """What is said would go to whoever is at its other end."""
    proxy = ground.launch(wrapper=("sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh"), arguments=("--verbose",))
    wait_until(lambda: not port_is_free(ground, ("127.0.0.1", 1080)), 10, "the port is taken")
    assert hello(ground, proxy)
    for fd in range(3):
        assert os.readlink(f"/proc/{proxy.pid}/fd/{fd}") == "/dev/null"


def test_after_a_restart_everything_works_again(ground):
    """At once: its first call is newer than all that the far end has heard, and is answered."""
    first = ground.start()
    assert hello(ground, first)
    flow = open_download(ground, first)
    first.stop()
    flow.close()
    assert hello(ground, ground.start())
    report, = ground.finish()
    calls = report.messages(INITIATION, outbound=True)
    assert len(calls) >= 2 and len(report.messages(RESPONSE, outbound=False)) == len(calls)


def test_after_a_crash_everything_works_again(ground):
    first = ground.start()
    flow = open_download(ground, first)
    first.kill()
    flow.close()
    assert hello(ground, ground.start())


def test_the_far_end_forgets_its_keys_and_the_tunnel_comes_back(ground):
    """As after its restart; we notice 15 s after it fell silent (paper 6.5)."""
    far, proxy = ground.far, ground.start()
    assert hello(ground, proxy)
    far.forget(ground.keys.public)
    url = f"http://{far.inner4}/hello"
    done = ground.curl("--fail", "--retry", 5, "--retry-all-errors", url,
                       proxy=proxy, timeout=40)
    assert done.stdout == services.HELLO, done.stderr


def test_a_taken_port_ends_the_second_one_with_a_clear_message(ground):
    first = ground.start()
    second = ground.launch()
    assert second.wait(30) == RUNTIME_FAILURE
    assert "127.0.0.1:1080" in second.log and "in use" in second.log and "-D PORT" in second.log
    assert not second.said_ready()
    assert hello(ground, first)


def test_a_port_of_roots_is_told_whose_it_is(ground):
    ground.client.sysctl("ipv4/ip_unprivileged_port_start", 1024)
    proxy = ground.launch(port=1023)
    assert proxy.wait(30) == RUNTIME_FAILURE
    assert "127.0.0.1:1023" in proxy.log and "root's" in proxy.log


def falls_asleep(proxy, window, tries):
    """There may be some last things to do; then nothing wakes it for the length of a window."""
    growth = []
    while len(growth) < tries and (not growth or growth[-1] > 1):
        before = proxy.wake_ups()
        time.sleep(window)
        growth.append(proxy.wake_ups() - before)
    print(f"wake-ups in each {window} s: {growth}")
    return growth[-1] <= 1


def test_an_idle_tunnel_wakes_nobody(ground):
    proxy = ground.start()
    assert hello(ground, proxy)
    assert falls_asleep(proxy, window=10, tries=6)
    assert hello(ground, proxy), "and it must come back from that silence"


def test_a_tunnel_that_was_never_used_wakes_nobody(ground):
    proxy = ground.start()
    assert falls_asleep(proxy, window=5, tries=3)
    assert not any(p.kind for p in ground.finish()[0].packets), "and it sends nothing"


def test_a_thousand_short_connections_leave_nothing_behind(ground):
    proxy = ground.start()
    assert hello(ground, proxy)
    handles = proxy.handles()
    for _ in range(1000):
        socks.connect(ground.client, proxy.address, ground.far.inner4, 80).close()
    wait_until(lambda: proxy.handles() <= handles, 60, "all descriptors closed")
    assert proxy.memory() < 256 * MIB


def test_no_key_is_ever_written_to_the_log(bare_ground):
    ground = bare_ground
    ground.add_far(psk=True)
    assert ground.secrets()
    proxy = ground.start(arguments=["-v"])
    assert hello(ground, proxy)
    proxy.stop()
    assert not [secret for secret in ground.secrets() if secret in proxy.log]


def test_a_damaged_key_is_not_repeated_in_the_complaint(ground):
    key = ground.keys.private
    for damaged in (key[:-2] + "!=", key[:-4], key + "AAAA"):
        proxy = ground.launch(ground.interface(PrivateKey=damaged) + ground.peer())
        assert proxy.wait(30) == 3, "the exit code of a configuration that is wrong"
        assert key[:20] not in proxy.log
        assert "PrivateKey" in proxy.log

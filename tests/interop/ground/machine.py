# SPDX-License-Identifier: MIT
"""A private machine for this process: its own users, mounts and networks.

`enter()` moves the calling process into it, once, without any privilege of the
outside. Inside it is root over networks that reach nothing, /run is empty, and
whatever asks the machine's resolver asks a name server on the outer link, where the
capture sees it.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

PR_SET_PDEATHSIG = 1
SIGKILL = 9

# A name server that nobody asks unless something leaks: the far end's outer address.
OUTSIDE_NAME_SERVER = "192.0.2.2"

TOOLS = ("ip", "wg", "wireguard-go", "dnsmasq", "curl", "setpriv", "unshare")

_libc = ctypes.CDLL(None, use_errno=True)


def _syscall(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def find_tools():
    """Plain users often lack the directories where half of the tools live."""
    wanted = ["/usr/local/sbin", "/usr/sbin", "/sbin"]
    have = os.environ.get("PATH", "").split(":")
    os.environ["PATH"] = ":".join(have + [d for d in wanted if d not in have])


def why_not():
    """The reason why this machine has no room for the ground, or None."""
    find_tools()
    if not sys.platform.startswith("linux"):
        return "network namespaces need Linux"
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return f"these programs are not installed: {' '.join(missing)}"
    probe = subprocess.run(["unshare", "-Urnm", "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        return f"user and network namespaces are not allowed here: {probe.stderr.strip()}"
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except PermissionError as error:
        return f"/dev/net/tun cannot be opened: {error.strerror} (elsewhere its mode is 0666: everybody may)"
    except OSError as error:
        return f"/dev/net/tun cannot be opened: {error.strerror}"
    return None


def _map_this_user_to_root(uid, gid):
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"0 {uid} 1"),
        ("gid_map", f"0 {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as f:
            f.write(text)


def _mount(source, target, kind, flags):
    _syscall("mount", source.encode(), target.encode(), kind.encode(), flags, None)


def _point_the_resolver_at_the_outer_link():
    path = os.path.realpath("/etc/resolv.conf")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path):
        if not path.startswith("/run/"):
            return
        open(path, "w").close()
    text = "/run/resolv.conf.ground"
    with open(text, "w") as f:
        f.write(f"nameserver {OUTSIDE_NAME_SERVER}\noptions attempts:1 timeout:2\n")
    _mount(text, path, "none", MS_BIND)


def enter():
    """Must come before this process has started any thread."""
    uid, gid = os.getuid(), os.getgid()
    _syscall("unshare", CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET)
    _map_this_user_to_root(uid, gid)
    _mount("none", "/", "none", MS_REC | MS_PRIVATE)
    _mount("ground", "/run", "tmpfs", 0)
    os.makedirs("/run/netns")
    os.makedirs("/run/wireguard")
    _point_the_resolver_at_the_outer_link()


def die_with_parent():
    """For preexec_fn: no test may leave a process behind, however it ends."""
    _syscall("prctl", PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)


def ip(*arguments):
    command = ["ip", *(str(a) for a in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Network:
    """One network namespace: a host of its own, as far as packets are concerned."""

    def __init__(self, name):
        self.name = name
        ip("netns", "add", name)
        self._fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        ip("-n", name, "link", "set", "lo", "up")

    def close(self):
        os.close(self._fd)
        ip("netns", "delete", self.name)

    def ip(self, *arguments):
        return ip("-n", self.name, *arguments)

    def join(self):
        """Moves the calling thread here for good; for preexec_fn."""
        _syscall("setns", self._fd, CLONE_NEWNET)

    @contextlib.contextmanager
    def inside(self):
        """What this thread opens meanwhile belongs to this network and stays there."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.join()
            yield
        finally:
            _syscall("setns", home, CLONE_NEWNET)
            os.close(home)

    def mac(self, device):
        return self.ip("-o", "link", "show", device).split("link/ether ")[1].split()[0]

    def socket(self, *arguments):
        with self.inside():
            return socket.socket(*arguments)

    def sysctl(self, path, value):
        with self.inside(), open(f"/proc/sys/net/{path}", "w") as f:
            f.write(str(value))


def link(left, left_name, right, right_name):
    """Join two networks by a cable. No link-local addresses: they only add chatter."""
    ip("link", "add", left_name, "netns", left.name,
       "type", "veth", "peer", "name", right_name, "netns", right.name)
    for network, name in ((left, left_name), (right, right_name)):
        network.ip("link", "set", name, "addrgenmode", "none")
        # A capture has to see every datagram by itself, not a train of them.
        network.ip("link", "set", name, "gso_max_segs", 1)

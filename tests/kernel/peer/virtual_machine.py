# SPDX-License-Identifier: MIT
"""A machine that boots the distribution's kernel, and the shell in it.

It is emulated, so it needs no support from the processor and is slow: some 50 Mbit/s
through a tunnel. Its only Ethernet is a tap device, which moves from network to network
as a cable would.
"""

import os
import re
import socket
import subprocess
from pathlib import Path

from ground import machine
from ground.process import Process, wait_until

PREPARE = Path(__file__).parent.parent / "prepare"
NOT_HERE = 77
TAP = "tap0"
MEMORY = "256"  # MiB
BOOT_TIMEOUT = 300  # 4 s on an idle machine

COMMAND_LINE = (
    "console=ttyS0 rdinit=/init quiet panic=-1 mitigations=off random.trust_cpu=on"
)


def prepare(*kind):
    """(kernel, initramfs), or the reason why there are none; call it while the network is up."""
    done = subprocess.run([PREPARE, *kind], capture_output=True, text=True)
    if done.returncode == NOT_HERE:
        return done.stderr.strip().splitlines()[-1]
    assert done.returncode == 0, f"{PREPARE}: exit {done.returncode}:\n{done.stderr}"
    return tuple(done.stdout.split())


class VirtualMachine:
    def __init__(self, images, work):
        self._work = work
        self._home = machine.Network("kernel")
        self._home.ip("tuntap", "add", "dev", TAP, "mode", "tap")
        kernel, initramfs = images
        self._process = Process(self._home, [
            "qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-accel", "tcg",
            "-m", MEMORY, "-nodefaults", "-no-reboot", "-display", "none",
            "-kernel", kernel, "-initrd", initramfs, "-append", COMMAND_LINE,
            "-serial", f"file:{work / 'console.log'}",
            "-chardev", f"socket,id=shell,path={work / 'shell'},server=on,wait=off",
            "-serial", "chardev:shell",
            "-netdev", f"tap,id=cable,ifname={TAP},script=no,downscript=no",
            "-device", "virtio-net-pci,netdev=cable,romfile=",
        ], work / "qemu.log")
        self._shell = self._open_shell()
        self.release = self._answer(rb"== (\S+) is up\n", BOOT_TIMEOUT)[1].decode()

    def _open_shell(self):
        """The socket is there a moment before anybody listens to it."""
        def connected():
            if self._process.exit_code() is not None:
                raise RuntimeError(f"qemu did not start:\n{self._process.output}")
            shell = socket.socket(socket.AF_UNIX)
            if shell.connect_ex(os.fspath(self._work / "shell")) == 0:
                return shell
            shell.close()
            return None

        return wait_until(connected, 60, "qemu offers the shell")

    def _answer(self, end, timeout):
        """What comes up to the end, and the end itself."""
        self._shell.settimeout(timeout)
        text = b""
        while not (found := re.search(end, text)):
            piece = self._shell.recv(4096)
            assert piece, f"the machine stopped:\n{self.logs()}"
            text += piece
        return text[:found.start()].decode(), found.group(1)

    def run(self, command, timeout=120):
        """One line for its shell; returns what it said."""
        assert "\n" not in command
        self._shell.sendall(command.encode() + b"\n")
        text, code = self._answer(rb"== exit (\d+)\n", timeout)
        assert code == b"0", f"{command!r} in the machine: exit {code.decode()}: {text}"
        return text

    def plug_into(self, network):
        """Move the cable from where it lies to this network."""
        self._home.ip("link", "set", TAP, "netns", network.name)
        network.ip("link", "set", TAP, "addrgenmode", "none")
        network.ip("link", "set", TAP, "txqueuelen", 10000, "up")

    def unplug_from(self, network):
        network.ip("link", "set", TAP, "netns", self._home.name)

    def mac(self):
        return self.run("cat /sys/class/net/eth0/address").strip()

    def logs(self):
        console = self._work / "console.log"
        text = console.read_text(errors="replace") if console.exists() else ""
        return f"{self._process.output}\n{text[-4000:]}"

    def stop(self):
        self._shell.close()
        self._process.kill()
        self._home.close()

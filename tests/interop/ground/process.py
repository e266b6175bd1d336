# SPDX-License-Identifier: MIT
"""Programs that run in one of the ground's networks and never outlive the test."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import machine

# Root of the private machine may do anything to its networks. The product has to do
# with nothing, so it runs without a single capability.
UNPRIVILEGED = (
    "setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all",
    "--ambient-caps=-all", "--",
)


# For the programs that are modules of this package.
PYTHON_PATH = str(Path(__file__).parent.parent)


def module(name, *arguments):
    """The command line of a module of this package that runs as its own program."""
    return [sys.executable, "-m", f"{__package__}.{name}", *arguments]


def clean_environment(home):
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    environment.update(HOME=str(home), LC_ALL="C.UTF-8", PYTHONPATH=PYTHON_PATH,
                       PYTHONDONTWRITEBYTECODE="1")
    return environment


def _preparer(network):
    def prepare():
        network.join()
        machine.die_with_parent()

    return prepare


def run(network, argv, *, timeout, home="/tmp", **options):
    """Run a program to its end. Only from the main thread (see Process)."""
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    return subprocess.run(
        [str(a) for a in argv], timeout=timeout, preexec_fn=_preparer(network),
        env=clean_environment(home), **options,
    )


def wait_until(condition, timeout, what):
    """Poll for something that another process does; a fixed sleep would only hope."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout} s")
        time.sleep(0.01)


class Process:
    """A program in the background, its output in one file.

    Start it from the main thread: the kernel kills it when the thread that started
    it ends.
    """

    def __init__(self, network, argv, log, *, environment=None, prefix=()):
        self.argv = [str(a) for a in (*prefix, *argv)]
        self.log_path = log
        with open(log, "ab") as output:
            self._popen = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                preexec_fn=_preparer(network), start_new_session=True,
                env={**clean_environment(log.parent), **(environment or {})},
            )
        self.pid = self._popen.pid

    @property
    def output(self):
        return self.log_path.read_text(errors="replace")

    def exit_code(self):
        """None while it runs."""
        return self._popen.poll()

    def wait_for_output(self, pattern, timeout):
        def seen():
            if re.search(pattern, self.output):
                return True
            if self.exit_code() is not None:
                raise RuntimeError(
                    f"{self.argv} ended with {self.exit_code()} and never said"
                    f" {pattern!r}:\n{self.output}"
                )
            return False

        wait_until(seen, timeout, f"{self.argv[0]} says {pattern!r}")

    def signal(self, number):
        self._popen.send_signal(number)

    def wait(self, timeout):
        return self._popen.wait(timeout)

    def stop(self, timeout=30):
        """Ask it to end and return its exit code; insist after the timeout."""
        if self.exit_code() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        if self.exit_code() is None:
            self.signal(signal.SIGKILL)
        return self.wait(60)

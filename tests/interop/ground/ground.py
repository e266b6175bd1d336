# SPDX-License-Identifier: MIT
"""One ground: a client host, the far ends it has cables to, and what runs on them."""

import base64
import itertools
import shutil
import tempfile
from pathlib import Path

from . import machine, process, product, wireguard
from .far import CLIENT_INNER4, CLIENT_INNER6, Far

# The whole zone of the tunnel's name server, as a provider's file would give it.
SEARCH_DOMAIN = "corp.test"

LOG_LINES = 40  # of each log in the report of a failed test

_numbers = itertools.count()


class Ground:
    """Use it as a context. `finish()` judges what went over the outer links."""

    def __init__(self):
        # In the private /run: it goes with the machine, even if nobody cleans up.
        self.work = Path(tempfile.mkdtemp(prefix="ground-", dir="/run"))
        self.client = machine.Network(f"g{next(_numbers)}")
        self.keys = wireguard.Keys.new()
        self.fars = []
        self.proxies = []
        self._reports = None
        self._judging = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for proxy in self.proxies:
            proxy.kill()
        for far in self.fars:
            far.stop()
        self.client.close()
        shutil.rmtree(self.work, ignore_errors=True)

    @property
    def far(self):
        return self.fars[0]

    def add_far(self, *, psk=False, start=True, **options):
        """One more far end, with its servers; `start=False` leaves it silent."""
        far = Far(self.client, len(self.fars), self.work)
        far.psk = wireguard.new_psk() if psk else None
        self.fars.append(far)
        if start:
            far.start(self.keys.public, **options)
        far.wait_ready()
        return far

    # The client's file -------------------------------------------------------

    def interface(self, **changes):
        """The [Interface] section; a value of None leaves a key out."""
        pairs = {
            "PrivateKey": self.keys.private,
            "Address": f"{CLIENT_INNER4}/32, {CLIENT_INNER6}/128",
            "DNS": f"{self.far.inner4}, {SEARCH_DOMAIN}",
            "MTU": 1420,
        }
        return wireguard.section("Interface", {**pairs, **changes})

    def peer(self, far=None, **changes):
        """The [Peer] section for one far end."""
        far = far or self.far
        pairs = {
            "PublicKey": far.keys.public,
            "PresharedKey": far.psk,
            "AllowedIPs": far.allowed_ips,
            "Endpoint": f"{far.outer4}:51820",
        }
        return wireguard.section("Peer", {**pairs, **changes})

    def client_conf(self):
        """What a provider hands out for all far ends of this ground."""
        return self.interface() + "".join(self.peer(far) for far in self.fars)

    # Programs on the client --------------------------------------------------

    def launch(self, conf=None, **options):
        """Start wgproxy and do not wait for it."""
        number = len(self.proxies)
        path = self.work / f"client{number}.conf"
        path.write_text(self.client_conf() if conf is None else conf)
        path.chmod(0o600)
        proxy = product.WgProxy(
            self.client, path, self.work / f"wgproxy{number}.log", **options)
        self.proxies.append(proxy)
        return proxy

    def start(self, conf=None, **options):
        """Start wgproxy and wait until it is ready."""
        proxy = self.launch(conf, **options)
        proxy.wait_ready()
        return proxy

    def run(self, argv, timeout=60, **options):
        return process.run(self.client, argv, timeout=timeout, home=self.work, **options)

    def curl(self, *arguments, proxy=None, scheme="socks5h", timeout=60, **options):
        """Run curl on the client, through `proxy` if there is one."""
        through = ["--proxy", proxy.url(scheme)] if proxy else []
        argv = ["curl", "-q", "-sS", "--max-time", timeout, *through, *arguments]
        return self.run(argv, timeout=timeout + 10, **options)

    def fetch(self, url, **options):
        """The body of one page; fails with what curl said."""
        done = self.curl("--fail", url, **options)
        assert done.returncode == 0, f"curl {url}: exit {done.returncode}: {done.stderr}"
        return done.stdout

    # The verdict -------------------------------------------------------------

    def expect(self, **rules):
        """Change what capture.Rules says of the outer links of this scenario."""
        self._judging.update(rules)

    def finish(self):
        """Stop the recorders: one capture.Report for each far end."""
        if self._reports is None:
            self._reports = [
                far.capture.finish(far.rules(**self._judging)) for far in self.fars]
        return self._reports

    def take_leaks(self):
        """For tests that leak on purpose: what leaked, which then counts no more."""
        leaks = [p for report in self.finish() for p in report.leaks]
        for report in self.finish():
            report.packets = [p for p in report.packets if not p.verdict]
        return leaks

    def stop_proxies(self):
        """End what still runs as a user would, and insist on a clean exit."""
        self.expect(port_unreachable=True)
        for proxy in self.proxies:
            if proxy.exit_code() is None:
                assert proxy.stop() == 0, "SIGTERM must end wgproxy with 0"

    def check(self):
        """Nothing but WireGuard left, and no secret was written to any log."""
        for report in self.finish():
            report.check()
        for proxy in self.proxies:
            for secret in self.secrets():
                assert secret not in proxy.log, "a key was written to the log"

    def secrets(self):
        psks = [far.psk for far in self.fars if far.psk]
        return [form for text in (self.keys.private, *psks) for form in _forms(text)]

    def logs(self):
        """The ends of all logs, for the report of a failed test."""
        parts = []
        for path in sorted(self.work.glob("*.log")):
            lines = path.read_text(errors="replace").splitlines()
            # wireguard-go greets with a box of advice.
            lines = [line for line in lines if line[:1] not in "┌│└"][-LOG_LINES:]
            if lines:
                parts.append("\n".join([f"--- {path.name} ---", *lines]))
        return "\n".join(parts)


def _forms(key):
    """Hexadecimal would give a key away as well as base64, padded or not."""
    return key.rstrip("="), base64.b64decode(key).hex()

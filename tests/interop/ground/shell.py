# SPDX-License-Identifier: MIT
"""A shell on the client of a fresh ground, to try things by hand.

    python3 -m ground.shell

With WGPROXY_BIN set, wgproxy runs there as well. The ground ends with the shell.
"""

import os
import subprocess

from . import machine, product
from .ground import Ground

INTRODUCTION = """\
This is the client. Behind the tunnel, and only there:
  {inner4}, {inner6}   web server (/hello, /page, /bytes?size=N), name server for corp.test
  {filtered} filtered, {unreachable} unreachable, port 7002 refused; see ground/services.py
Files and logs:     {work}
The far end:        ip netns exec {far} sh
Its WireGuard:      wg show {device}
The client's file:  {conf}
{proxy}"""


def introduce(ground, conf, proxy):
    far = ground.far
    print(INTRODUCTION.format(
        inner4=far.inner4, inner6=far.inner6, filtered=far.at("9.1"),
        unreachable=far.at("8.1"), work=ground.work, far=far.network.name,
        device=far.endpoint.device, conf=conf,
        proxy=f"wgproxy runs:       curl -x {proxy.url()} http://web.corp.test/hello"
        if proxy else "WGPROXY_BIN is not set: no wgproxy was started",
    ), flush=True)


def main():
    reason = machine.why_not()
    if reason:
        raise SystemExit(f"no ground here: {reason}")
    machine.enter()
    with Ground() as ground:
        ground.add_far()
        conf = ground.work / "client.conf"
        conf.write_text(ground.client_conf())
        proxy = None if product.why_not() else ground.start()
        introduce(ground, conf, proxy)
        with ground.client.inside():
            subprocess.run([os.environ.get("SHELL", "/bin/sh")], check=False)
        ground.stop_proxies()
        for report in ground.finish():
            for leak in report.leaks:
                print(f"leaked: {leak}")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""A browser's proxy configuration, run outside of any browser, with what the poorest of them has: no isInNetEx."""

import json
import shutil

import pytest

PAC = """
const vm = require("vm");
const dotted = (a) => a.split(".").reduce((n, b) => n * 256 + Number(b), 0) >>> 0;
const world = {
    isPlainHostName: (h) => !h.includes("."),
    dnsDomainIs: (h, d) => h.endsWith(d),
    localHostOrDomainIs: (h, d) => h === d || d.startsWith(h + "."),
    shExpMatch: (s, p) => new RegExp("^" + p.replace(/[.]/g, "\\.").replace(/[*]/g, ".*").replace(/[?]/g, ".") + "$").test(s),
    isInNet: (h, n, m) => /^[0-9.]+$/.test(h) && (dotted(h) & dotted(m)) >>> 0 === (dotted(n) & dotted(m)) >>> 0,
    dnsResolve: (h) => { throw new Error("a name is looked up outside: " + h); },
    isResolvable: (h) => { throw new Error("a name is looked up outside: " + h); },
    myIpAddress: () => "192.0.2.1",
};
vm.createContext(world);
vm.runInContext(require("fs").readFileSync(0, "utf8"), world);
console.log(JSON.stringify(process.argv.slice(1).map((h) => world.FindProxyForURL("http://" + h + "/", h))));
"""


def need_node():
    if not shutil.which("node"):
        pytest.skip("node is not installed")


def ask(ground, script, hosts):
    """What it answers for each host; a name that it would have looked up is an error."""
    done = ground.run(["node", "-e", PAC, *hosts], input=script)
    assert done.returncode == 0, done.stderr.decode()
    return dict(zip(hosts, json.loads(done.stdout)))

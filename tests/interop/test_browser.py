# SPDX-License-Identifier: MIT
"""Chromium shows pages that exist only behind the tunnel; playwright drives it, and a script of the status port."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from ground import pac, services

pytestmark = pytest.mark.usefixtures("wgproxy")

# Quiet at start: without these it calls its maker before it loads any page.
CHROMIUM = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=800,300", "--virtual-time-budget=5000",
)


@pytest.fixture
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.skip("chromium is not installed")
    return path


def browse(ground, chromium, proxy, *arguments):
    profile = ground.work / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    done = ground.run([
        # A network of processes: with a pid namespace of their own they all end here.
        "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
        chromium, *CHROMIUM, f"--user-data-dir={profile}",
        f"--proxy-server=socks5://{proxy.address[0]}:{proxy.address[1]}",
        *arguments, "http://intranet.corp.test/page",
    ], timeout=150)
    (ground.work / "chromium.log").write_bytes(done.stderr)
    return done


def test_chromium_shows_a_page_that_exists_only_behind_the_tunnel(ground, chromium):
    proxy = ground.start()
    done = browse(ground, chromium, proxy, "--dump-dom")
    assert "this page exists only inside" in done.stdout.decode()


def test_chromium_takes_a_picture_of_it(ground, chromium):
    proxy = ground.start()
    picture = ground.work / "page.png"
    browse(ground, chromium, proxy, f"--screenshot={picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 2000


# Driven by playwright ------------------------------------------------------------


VISIT = Path(__file__).parent / "browser" / "visit.mjs"
GALLERY = f"{services.PICTURES} pictures, echo: over the tunnel"


@pytest.fixture(scope="module")
def place(shared_ground):
    ground = shared_ground
    sections = ("[Proxy]\nBindAddress = 127.0.0.1:1080\n"
                "[http]\nBindAddress = 127.0.0.1:1081\nUsername = alice\nPassword = se#cret word\n")
    proxy = ground.start(ground.client_conf() + sections, arguments=("-i", "9080"))
    return SimpleNamespace(ground=ground, proxy=proxy, far=ground.far)


@pytest.fixture
def visit(place, chromium):
    """Goes to a page by one proxy, until its heading is there."""
    node, modules = shutil.which("node"), os.environ.get("WGPROXY_PLAYWRIGHT", "")
    if not node:
        pytest.skip("node is not installed")
    if not os.path.isdir(f"{modules}/node_modules/playwright-core"):
        pytest.skip(f"playwright-core is not installed in WGPROXY_PLAYWRIGHT={modules}")

    def go(url, *, heading=None, proxy=None, args=()):
        story = json.dumps({"proxy": proxy, "args": args, "url": url, "heading": heading})
        done = place.ground.run(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
                                 node, VISIT, modules, chromium, story], timeout=150)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return go


@pytest.mark.parametrize("proxy", [
    {"server": "socks5://127.0.0.1:1080"},
    {"server": "http://127.0.0.1:1080"},
    {"server": "http://127.0.0.1:1081", "username": "alice", "password": "se#cret word"},
], ids=["SOCKS5", "HTTP", "HTTP with a password"])
def test_a_page_of_many_pictures_and_a_websocket_comes_through(visit, proxy):
    seen = visit("http://web.corp.test/gallery", heading=GALLERY, proxy=proxy)
    assert seen["status"] == 200 and seen["heading"] == GALLERY
    assert not [url for url in seen["fetched"] if url.startswith("failed")]
    assert len([url for url in seen["fetched"] if "/picture.svg" in url]) == services.PICTURES


def test_a_wrong_password_shows_nothing(visit):
    proxy = {"server": "http://127.0.0.1:1081", "username": "alice", "password": "no"}
    seen = visit("http://web.corp.test/page", proxy=proxy)
    assert seen["status"] == 407 and seen["heading"] is None


def test_the_script_of_the_status_port_sends_only_what_belongs_into_the_tunnel(place, visit):
    """A site outside, here one of the client's own, is reached without the tunnel; inside, without any setting."""
    # Chromium's own calls to its maker belong outside, so the script sends them there: here they go nowhere. That a
    # name of the inside is asked for outside would still be seen.
    args = ["--proxy-pac-url=http://127.0.0.1:9080/proxy.pac",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.corp.test, EXCLUDE 127.0.0.1"]
    seen = visit("http://web.corp.test/gallery", heading=GALLERY, args=args)
    assert seen["status"] == 200
    seen = visit(f"http://{place.far.inner4}/page", heading="this page exists only inside", args=args)
    assert seen["status"] == 200
    with pytest.raises(AssertionError, match="ERR_CONNECTION_REFUSED"):
        visit("http://127.0.0.1:9999/", args=args)  # nobody is there; the tunnel would say so in other words


INSIDE = ["10.77.0.1", "10.77.255.255", "web.corp.test", "WEB.CORP.TEST", "corp.test", "a.b.corp.test"]
OUTSIDE = ["10.78.0.1", "192.0.2.1", "127.0.0.1", "localhost", "example.com", "notcorp.test", "corp.test.example.com"]


def test_the_script_tells_inside_from_outside_without_asking_anybody(place):
    pac.need_node()
    script = place.ground.curl("--fail", "http://127.0.0.1:9080/proxy.pac").stdout
    answers = pac.ask(place.ground, script, INSIDE + OUTSIDE)
    for host in INSIDE:
        assert "127.0.0.1:1080" in answers[host] and "DIRECT" not in answers[host], (host, answers[host])
    for host in OUTSIDE:
        assert answers[host] == "DIRECT", (host, answers[host])

# SPDX-License-Identifier: MIT
"""Chromium shows a page that exists only behind the tunnel."""

import shutil

import pytest

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
    ], timeout=60)
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

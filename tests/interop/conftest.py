# SPDX-License-Identifier: MIT
"""Fixtures of the interop tests, and the rules for what cannot run here."""

import os

import pytest

from ground import machine, product
from ground.ground import Ground

# ctest takes this exit code for "not here"; without ctest a skip is just counted.
ALL_SKIPPED = 77


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes minutes; `-m 'not slow'` leaves it out")


def _refuse(reason):
    """Skip with a reason, or fail where a skip would hide a broken machine."""
    if os.environ.get("WGPROXY_REQUIRE_INTEROP") == "1":
        pytest.fail(f"WGPROXY_REQUIRE_INTEROP=1, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def private_machine():
    reason = machine.why_not()
    if reason:
        _refuse(reason)
    machine.enter()


def judged_ground():
    with Ground() as ground:
        yield ground
        try:
            ground.stop_proxies()
            ground.check()
        except Exception:
            print(ground.logs())
            raise


@pytest.fixture
def bare_ground(private_machine):
    """A client host without any cable yet; whatever happens on it is judged at the end."""
    yield from judged_ground()


@pytest.fixture
def ground(bare_ground):
    """The usual ground: one far end that waits for the client to call."""
    bare_ground.add_far()
    return bare_ground


@pytest.fixture(scope="module")
def shared_ground(private_machine, wgproxy):
    """The usual ground for all tests of a file, where one wgproxy serves them all."""
    for ground in judged_ground():
        ground.add_far()
        yield ground


@pytest.fixture(scope="session")
def wgproxy():
    """For tests of the product: skips where there is none."""
    reason = product.why_not()
    if reason:
        _refuse(reason)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What fails shows what its ground's programs said until then."""
    report = (yield).get_result()
    grounds = {item.funcargs.get(name) for name in ("bare_ground", "shared_ground")} if report.failed else ()
    for ground in grounds:
        if ground is not None:
            report.sections.append(("logs of the ground", ground.logs()))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Under ctest, a file of which nothing could run is skipped, not passed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    counts = {k: len(v) for k, v in reporter.stats.items()} if reporter else {}
    ran = sum(counts.get(k, 0) for k in ("passed", "failed", "error"))
    if os.environ.get("WGPROXY_UNDER_CTEST") == "1" and counts.get("skipped") and not ran:
        session.exitstatus = ALL_SKIPPED

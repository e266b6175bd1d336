# SPDX-License-Identifier: MIT
"""Fixtures: one machine for all tests of a run, one ground for each test."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interop")]

from ground import machine, product  # noqa: E402
from ground.ground import Ground  # noqa: E402
from peer import virtual_machine  # noqa: E402
from peer.kernel import KernelFar  # noqa: E402
from peer.service import LOG, Service  # noqa: E402

# ctest takes this exit code for "not here"; without ctest a skip is just counted.
ALL_SKIPPED = 77


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes minutes; `-m 'not slow'` leaves it out")


def _refuse(reason):
    """Skip with a reason, or fail where a skip would hide a broken machine."""
    if os.environ.get("WGPROXY_REQUIRE_KERNEL") == "1":
        pytest.fail(f"WGPROXY_REQUIRE_KERNEL=1, but {reason}", pytrace=False)
    pytest.skip(f"no kernel to test against: {reason}")


def _boot(*kind):
    """A machine of this kind, from its start to the end of the run."""
    reason = product.why_not() or machine.why_not()
    if reason:
        _refuse(reason)
    images = virtual_machine.prepare(*kind)
    if isinstance(images, str):
        _refuse(images)
    machine.enter()
    # In the private /run, so that the path of the shell's socket is short.
    vm = virtual_machine.VirtualMachine(images, Path(tempfile.mkdtemp(dir="/run")))
    print(f"the far kernel is {vm.release}")
    yield vm
    vm.stop()


@pytest.fixture(scope="session")
def vm():
    yield from _boot()


@pytest.fixture(scope="session")
def managed():
    """The machine that systemd runs, with our units; its kernel's WireGuard is wgproxy's peer there."""
    yield from _boot("service")


@pytest.fixture
def service(managed, request):
    service = Service(managed)
    service.set_up()
    yield service
    if getattr(request.node, "failed_call", False):
        print(service.run(f"cat {LOG}; dmesg | tail -n 30; systemctl status --no-pager '*.service'; true"))


@pytest.fixture
def ground(vm, request):
    """A client host with its cable in the machine; all that went over it is judged."""
    with Ground() as ground:
        ground.fars.append(KernelFar(ground.client, vm, ground.work))
        try:
            yield ground
            ground.stop_proxies()
            ground.check()
        except Exception:
            print(ground.logs())
            raise
        if getattr(request.node, "failed_call", False):
            print(ground.logs(), vm.run("wg show; dmesg | tail"), sep="\n")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().when == "call":
        item.failed_call = outcome.get_result().failed


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Under ctest, a run of which nothing could run is skipped, not passed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    counts = {k: len(v) for k, v in reporter.stats.items()} if reporter else {}
    ran = sum(counts.get(k, 0) for k in ("passed", "failed", "error"))
    if os.environ.get("WGPROXY_UNDER_CTEST") == "1" and counts.get("skipped") and not ran:
        session.exitstatus = ALL_SKIPPED

# SPDX-License-Identifier: MIT
"""A transfer that lives longer than its keys."""

import hashlib

import pytest

from ground import body
from ground.body import MIB
from ground.capture import DATA, INITIATION, RESPONSE

pytestmark = [pytest.mark.usefixtures("wgproxy"), pytest.mark.slow]

REKEY_AFTER_TIME = 120
SECONDS = 130
LONGEST_PAUSE = 4.5  # a handshake that is not answered is tried again after 5 s


def test_a_transfer_runs_through_a_rekey(ground):
    """The initiator renews its keys after 120 s (paper 6.2), and nobody may notice."""
    proxy = ground.start()
    size = 64 * MIB
    url = f"http://{ground.far.inner4}/paced?size={size}&seconds={SECONDS}"
    page = ground.fetch(url, proxy=proxy, timeout=SECONDS + 60)
    assert hashlib.sha256(page).hexdigest() == body.checksum(size)

    report, = ground.finish()
    first, *later = report.messages(INITIATION, outbound=True)
    assert later, "no second handshake"
    assert REKEY_AFTER_TIME - 1 < later[0].time - first.time < REKEY_AFTER_TIME + 10
    assert len(report.messages(RESPONSE, outbound=False)) >= 2

    data = report.messages(DATA, outbound=False)
    assert len({p.session for p in data}) >= 2, "the new keys were never used"
    pauses = [b.time - a.time for a, b in zip(data, data[1:])]
    assert max(pauses) < LONGEST_PAUSE, "the transfer stalled"

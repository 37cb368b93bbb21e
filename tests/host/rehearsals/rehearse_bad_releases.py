"""Releases that fail: the old one serves throughout, the operator reads why, and the host is as before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.rehearsals.faults import FAULTS, Fault
from tests.host.rehearsals.load import Load
from tests.host.rehearsals.state import state_of

if TYPE_CHECKING:
    from tests.host.rehearsals.host import Host

#: The reason stands above the recap of the hosts and what the play says of itself.
LAST_LINES = 15


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_release_changes_nothing_when_it(fault: Fault, host: Host) -> None:
    bad = host.checkout.release(fault.changes(host.checkout))
    # Made now, for it makes a table of its own.
    token = host.service.token
    before = state_of(host.container)
    with Load(host.container.address, token, requests_per_second=30, nappers=2) as load:
        load.wait_for_requests(60)
        run = host.deploy(bad)
        assert run.wait() != 0, run.tail(40)
        load.wait_for_requests(60)
    print(f"{fault.name}: {run.seconds:.0f} s, {load.tally}\n{run.tail(LAST_LINES)}")
    assert not load.tally.failures, "\n".join(load.tally.failures[:20])
    assert fault.reason in run.tail(LAST_LINES)
    assert state_of(host.container) == before
    host.service.refuse_faults(load.tally.accepted)

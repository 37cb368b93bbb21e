"""The host boots anew, in order or because the power failed."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.host.rehearsals.state import main_pids
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.host.rehearsals.host import Host

BOOT_SECONDS = 60


@pytest.mark.parametrize("how", ["restart", "cut_power"])
def test_after_a_reboot_all_is_back_and_no_job_is_lost(how: str, host: Host) -> None:
    run = f"{how}{int(time.time())}"
    jobs = {
        host.service.submit("rehearsal.nap", name=(name := f"{run}-{number}"), seconds=number % 10): name
        for number in range(40)
    }
    running = set(main_pids(host.container))
    began = getattr(host.container, how)()
    host.container.wait_for_boot()
    wait_until(lambda: set(main_pids(host.container)) == running, seconds=BOOT_SECONDS, what="all are active")
    wait_until(lambda: _is_ready(host), seconds=BOOT_SECONDS, what="the API is ready")
    seconds = time.monotonic() - began
    host.service.refuse_faults(jobs, interrupted=True)
    print(f"{how}: active and ready after {seconds:.1f} s, all jobs after {time.monotonic() - began:.0f} s")
    assert seconds <= BOOT_SECONDS


def _is_ready(host: Host) -> bool:
    with suppress(httpx.HTTPError):
        host.service.request("GET", "/readyz")
        return True
    return False

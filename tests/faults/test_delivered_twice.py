"""A message that comes twice has one effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.ledger import effects
from tests.jobs.running import attempts_of, job_of, send_again
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fleet import Fleet


def test_a_second_delivery_of_a_finished_job_is_dropped(fleet: Fleet) -> None:
    worker = fleet.start_worker()
    result = tasks.record_effect.delay("delivered-twice")
    result.get(timeout=20)
    send_again(result.id)
    wait_until(lambda: f"{result.id}] ignored" in worker.log.read_text(), seconds=20, what="it was looked at")
    assert effects() == ["delivered-twice"]
    assert (job_of(result.id).attempt, attempts_of(result.id)) == (1, [])

"""A message that comes twice has one effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.jobs import publish
from tests.faults.ledger import effects
from tests.jobs.running import attempts_of, job_of, send_again
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fleet import Fleet


def test_a_second_delivery_of_a_finished_job_is_dropped(fleet: Fleet) -> None:
    fleet.start_worker()
    result = tasks.record_effect.delay("delivered-twice")
    result.get(timeout=20)
    send_again(result.id)
    drained = "groundwork:default\x06\x166", "groundwork:unacked"
    wait_until(lambda: not publish.client().exists(*drained), seconds=20, what="the broker is drained")
    assert effects() == ["delivered-twice"]
    assert (job_of(result.id).attempt, attempts_of(result.id)) == (1, [])

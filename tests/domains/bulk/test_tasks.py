"""Bulk acts by real workers: to the end, once, whoever dies meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from app.db.sessions import reading, transaction
from app.domains.bulk import service, tasks
from app.domains.bulk.pace import Pace
from app.jobs.chosen import Act
from app.jobs.declaration import registry
from app.jobs.ledger.models import Job, State
from app.schedule.spec import cron
from app.topology import Queue
from tests.console.jobs.test_acts import noted
from tests.domains.bulk.many import begun, chosen, find
from tests.domains.bulk.test_service import dead, job
from tests.servers import wait_until

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")
SECONDS = 60
WAITS_FOR_A_ROW = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def ended(act_id: int) -> bool:
    return find(act_id).ended_at is not None


def test_each_task_has_its_queue_and_schedule(database: Engine) -> None:
    found = registry.tasks()
    assert (found["bulk.go_on"].queue, found["bulk.go_on"].schedule) == (Queue.DEFAULT, None)
    assert found["bulk.forget_old"].schedule == cron("40 3 * * *")


def test_an_act_runs_to_its_end_at_its_pace_and_no_step_twice(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = dead(3)
    act_id = begun(ids, Act.DISCARD, pace=Pace(jobs=1, seconds=1))
    paced = begun(dead(2), Act.DISCARD, pace=Pace(jobs=60, seconds=60))
    fleet.start_beat()
    fleet.start_worker(queues="default,maintenance")
    for one in (act_id, paced):
        wait_until(lambda one=one: ended(one), seconds=SECONDS, what="the act ends")  # type: ignore[misc]
    act = find(act_id)
    assert (act.done, act.left_alone) == (3, 0)
    assert {job(one).state for one in ids} == {State.CANCELLED}
    again = tasks.go_on.delay(act_id=act_id).get(timeout=SECONDS)
    assert again == {"done": 0, "left_alone": 0}
    chosen(dead())
    assert tasks.forget_old.delay().get(timeout=SECONDS) == {"deleted": 0}


def test_a_worker_that_dies_in_a_step_has_done_nothing_and_another_does_it_once(fleet: Fleet) -> None:
    ids = dead(3)
    act_id = begun(ids, Act.DISCARD)
    fleet.start_beat()
    with transaction() as holder:
        holder.execute(select(Job.id).where(Job.id == max(ids)).with_for_update())
        first = fleet.start_worker("first", processes=1)
        wait_until(waits, seconds=SECONDS, what="the step waits for a job that somebody holds")
        first.kill()
    assert (find(act_id).done, {job(one).state for one in ids}) == (0, {State.DEAD})
    fleet.start_worker("second", processes=1)
    wait_until(lambda: ended(act_id), seconds=SECONDS, what="the act ends")
    act = find(act_id)
    assert (act.done, act.left_alone) == (3, 0)
    assert {job(one).error for one in ids} == {
        f"Discarded by user:1: {act.reason}. It was dead: KeyError: 'x'"
    }
    step_job = job(str(act.step_job_id))
    assert (step_job.attempt, step_job.result) == (2, {"done": 3, "left_alone": 0})
    assert [one["arguments"]["jobs"] for one in noted() if one["title"] == service._TITLES[Act.DISCARD]] == [
        3,
        3,
    ]


def waits() -> bool:
    with reading() as session:
        return bool(session.scalar(text(WAITS_FOR_A_ROW)))

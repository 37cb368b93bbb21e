"""Limited tasks on real workers: limits hold over all of them, and a waiting job occupies no process."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from celery import chain, chord, group
from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.ledger.models import Job, State
from tests.jobs.running import accept_many, all_jobs, ended, job_of, wait_for_state
from tests.sample import tasks
from tests.servers import stretched, wait_until

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tests.fleet import Fleet

pytestmark = pytest.mark.usefixtures("database")
#: Celery's beat takes no `-I`.
APPLICATION = "tests.sample.application"


def span(job: Job) -> tuple[datetime, datetime]:
    """When the job began and when it had ended."""
    assert job.started_at is not None
    assert job.finished_at is not None
    return job.started_at, job.finished_at


def test_over_two_workers_no_second_has_more_starts_than_the_rate(fleet: Fleet) -> None:
    fleet.start_worker("first")
    fleet.start_worker("second")
    fleet.start_beat(application=APPLICATION)
    ids = accept_many(tasks.knock.name, "a", times=35)
    other = accept_many(tasks.knock.name, "b", times=1)
    ended(*other)
    assert len({job_of(job_id).state for job_id in ids}) > 1, "b did not wait for a"
    for job_id in ids:
        assert ended(job_id).attempt == 1, "no job is claimed in vain"
    began = sorted(span(job_of(job_id))[0] for job_id in ids)
    for first, later in zip(began, began[11:], strict=False):
        assert later - first >= timedelta(seconds=1)


def test_two_places_are_filled_again_within_a_second_by_whoever_is_next(fleet: Fleet, tmp_path: Path) -> None:
    fleet.start_worker("first", processes=3)
    fleet.start_worker("second", processes=3)
    paths = [tmp_path / f"go{number}" for number in range(6)]
    ids = [tasks.occupy.delay("a", str(path)).id for path in paths]
    for number in range(4):
        for running in ids[number : number + 2]:
            wait_for_state(running, State.RUNNING)
        states = [job_of(job_id).state for job_id in ids[number + 2 :]]
        assert set(states) == {State.READY}
        paths[number].touch()
    wait_for_state(ids[5], State.RUNNING)
    paths[4].touch()
    paths[5].touch()
    spans = [span(ended(job_id)) for job_id in ids]
    for (_, left), (began, _) in zip(spans, spans[2:], strict=False):
        assert left <= began <= left + timedelta(seconds=stretched(1))


def test_the_places_of_a_killed_worker_are_free_when_its_leases_have_ended(
    fleet: Fleet, tmp_path: Path
) -> None:
    killed = fleet.start_worker("killed")
    fleet.start_beat(application=APPLICATION)
    blocked, go = str(tmp_path / "blocked"), tmp_path / "go"
    go.touch()
    holding = [tasks.occupy.delay("a", blocked).id for _ in range(2)]
    for job_id in holding:
        wait_for_state(job_id, State.RUNNING)
    behind = [tasks.occupy.delay("a", str(go)).id for _ in range(3)]
    killed.kill()
    fleet.start_worker("other")
    (tmp_path / "blocked").touch()
    jobs = [ended(job_id) for job_id in [*holding, *behind]]
    assert {job.state for job in jobs} == {State.DONE}
    assert _most_at_once(jobs) <= 2


def _most_at_once(jobs: list[Job]) -> int:
    at_once, most = 0, 0
    changes = [change for began, left in map(span, jobs) for change in ((began, 1), (left, -1))]
    for _, change in sorted(changes):
        at_once += change
        most = max(most, at_once)
    return most


def test_chains_groups_and_chords_of_limited_tasks_come_to_their_end(fleet: Fleet) -> None:
    fleet.start_worker()
    fleet.start_beat(application=APPLICATION)
    flow = chain(tasks.serve.si("a"), group(tasks.alone.si(0.01) for _ in range(3)), tasks.serve.si("a"))
    assert flow().get(timeout=60) is None
    assert chord([tasks.alone.si(0.01) for _ in range(3)])(tasks.add.si(1, 2)).get(timeout=60) == 3
    single = [job for job in all_jobs() if job.task == tasks.alone.name]
    assert len(single) == 6
    assert _most_at_once(single) == 1


def test_ten_jobs_are_not_delayed_by_another_tenants_thousands(fleet: Fleet) -> None:
    accept_many(tasks.serve.name, "flood", times=3000)
    fleet.start_worker()
    fleet.start_beat(application=APPLICATION)
    wait_until(lambda: any(job.state == State.DONE for job in all_jobs()), seconds=20, what="the flood runs")
    small = [ended(job_id, seconds=10) for job_id in accept_many(tasks.serve.name, "small", times=10)]
    with reading() as session:
        left = session.scalars(select(Job.id).where(Job.state == State.READY)).all()
    assert left, "the flood is not over"
    assert max(span(job)[1] for job in small) - small[0].accepted_at < timedelta(seconds=5)

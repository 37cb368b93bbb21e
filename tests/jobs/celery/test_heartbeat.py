"""A worker's sign of life: leases last as long as it does, and what it leaves is given back at once."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job, Outcome, State, Worker
from app.jobs.publish import sent
from app.settings.config import settings
from tests.jobs.running import attempts_of, ended, job_of, wait_for_state
from tests.sample import tasks
from tests.servers import stretched, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fleet import Fleet


def workers() -> dict[str, Worker]:
    with reading() as session:
        return {worker.name: worker for worker in session.scalars(select(Worker))}


def start_waiting(path: Path) -> str:
    """A job that runs until `path` is there."""
    job_id = str(tasks.wait_for_file.delay(str(path)).id)
    wait_until(path.with_name(f"{path.name}.started").exists, seconds=10, what="the job runs")
    return job_id


def test_a_worker_renews_its_leases_signs_and_gives_back_what_it_leaves(fleet: Fleet, tmp_path: Path) -> None:
    first = fleet.start_worker("first", processes=1)
    [name] = workers()
    assert name.startswith("first@")
    seen = workers()[name].seen_at
    job_id = start_waiting(tmp_path / "go")
    claimed = job_of(job_id)
    assert claimed.lease_until
    assert claimed.started_at

    def renewed() -> bool:
        until = job_of(job_id).lease_until
        return bool(until and claimed.lease_until and until > claimed.lease_until)

    wait_until(renewed, seconds=settings().lease_seconds, what="the lease is renewed")
    wait_until(lambda: workers()[name].seen_at > seen, seconds=5, what="the worker signs again")

    began = time.monotonic()
    first.stop()
    assert time.monotonic() - began < stretched(settings().soft_shutdown_seconds + 8)
    given_back = job_of(job_id)
    assert (given_back.state, given_back.attempt, given_back.lease_until) == (State.READY, 0, None)
    [released] = attempts_of(job_id)
    assert released.outcome == Outcome.RELEASED
    assert workers() == {}

    (tmp_path / "go").touch()
    fleet.start_worker("second")
    done = ended(job_id)
    assert (done.state, done.attempt, done.fence) == (State.DONE, 1, 2)


def test_a_task_a_worker_does_not_know_is_left_to_a_newer_one(fleet: Fleet) -> None:
    job_id = str(tasks.add.delay(20, 22).id)
    newest, fleet.include = fleet.include, "tests.sample"
    fleet.start_worker("older")

    def is_offered_later() -> bool:
        job = job_of(job_id)
        return bool(job.published_at and job.published_at > job.accepted_at + timedelta(seconds=10))

    wait_until(is_offered_later, seconds=15, what="the older worker leaves it")
    left = job_of(job_id)
    assert (left.state, left.attempt) == (State.READY, 0)
    fleet.processes[0].stop()
    fleet.include = newest
    fleet.start_worker("newer")
    fleet.start_beat()
    with transaction() as session:  # as the pause before the next offer would
        pause = sent.UNKNOWN_TASK_PAUSE + timedelta(seconds=settings().lost_after_seconds + 1)
        session.execute(update(Job).values(published_at=left.published_at and left.published_at - pause))
    done = wait_for_state(job_id, State.DONE)
    assert (done.result, done.attempt) == (42, 1)

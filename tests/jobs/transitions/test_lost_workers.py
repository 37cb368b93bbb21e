"""Of a worker that is no more, all jobs go to others, and of nobody else any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs.ledger import store
from app.jobs.ledger.models import Job, Outcome, State, Worker
from app.jobs.transitions import deaths, lost_workers
from app.jobs.transitions.lost_workers import Ending
from tests.jobs.broker import waiting
from tests.jobs.running import attempts_of, job_of
from tests.sample import tasks

if TYPE_CHECKING:
    from app.jobs.transitions.deaths import Death
    from tests.servers import RedisServer

pytestmark = pytest.mark.usefixtures("database")
WORKER = "standard@here#1"


def held_by(worker: str, *, attempt: int = 0) -> str:
    """A job that `worker` holds."""
    job_id = str(tasks.add.delay(1, 1).id)
    set_row(job_id, attempt=attempt)
    store.claim(store.connection(), [store.Message(job_id, attempt)], worker=worker)
    set_row(job_id, published_at=None)
    return job_id


def set_row(job_id: str, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))


def heard_of(worker: str, *, seconds_ago: float, beat_seconds: float | None = 5) -> None:
    row = {"name": worker, "node": "standard@here", "release": "dev", "concurrency": 1}
    with transaction() as session:
        seen = {"started_at": clock(-600), "seen_at": clock(-seconds_ago), "beat_seconds": beat_seconds}
        session.execute(insert(Worker).values(**row, **seen))


def end_dead(worker: str = WORKER) -> Ending:
    return lost_workers.end_dead(worker, between=lambda: None)


def test_the_jobs_of_a_dead_worker_are_sent_out_at_once(redis_server: RedisServer) -> None:
    jobs, others = [held_by(WORKER) for _ in range(3)], [held_by("standard@here#2"), held_by("standard@here")]
    redis_server.clear()
    heard_of(WORKER, seconds_ago=1)
    assert end_dead() == Ending(jobs=3, is_known=True)
    assert set(waiting(redis_server)) == set(jobs)
    assert {job_of(job_id).state for job_id in jobs} == {State.READY}
    assert {job_of(job_id).state for job_id in others} == {State.RUNNING}
    for job_id in jobs:
        [lost] = attempts_of(job_id)
        assert (lost.outcome, lost.worker) == (Outcome.LOST, WORKER)
        assert lost.error == f"WorkerDied: The process of {WORKER} ended before the job did."
    with reading() as session:
        assert session.scalars(select(Worker.signed_off)).all() == [True]
    assert end_dead() == Ending(jobs=0, is_known=True)
    assert len(attempts_of(jobs[0])) == 1


def test_of_one_that_this_ledger_never_heard_of_nothing_is_done() -> None:
    assert end_dead("somebody@else#1") == Ending(jobs=0, is_known=False)


def test_a_job_that_killed_too_many_is_dead() -> None:
    job_id = held_by(WORKER, attempt=2)
    end_dead()
    assert (job_of(job_id).state, job_of(job_id).attempt) == (State.DEAD, 3)
    assert str(job_of(job_id).error).startswith("WorkerDied: ")


def test_its_death_is_told_once_and_who_cannot_hear_it_keeps_no_job_from_being_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[Death] = []

    def deaf(death: Death) -> None:
        raise RuntimeError(death)

    monkeypatch.setattr(deaths, "_listeners", [deaf])
    deaths.listen(heard.append)
    dead, lost = held_by(WORKER, attempt=2), held_by(WORKER)
    end_dead()
    end_dead()
    assert {job_of(dead).state, job_of(lost).state} == {State.DEAD, State.READY}
    [death] = heard
    assert (death.job_id, death.task, death.attempt, death.args) == (dead, "sample.add", 3, [1, 1])
    assert death.error == job_of(dead).error


def test_what_the_dead_worker_still_writes_is_refused() -> None:
    job_id = held_by(WORKER)
    end_dead()
    assert store.finish(store.connection(), [store.Finish(job_id, 1, None)]) == set()
    assert store.extend(store.connection(), ids=[job_id], worker=WORKER) == set()
    assert not store.checkpoint(store.connection(), job_id=job_id, fence=1, progress=None)


def test_a_silent_worker_loses_its_jobs_after_three_of_its_beats() -> None:
    silent, heard, slow = (held_by(name) for name in ("silent", "heard", "slow"))
    heard_of("silent", seconds_ago=16)
    heard_of("heard", seconds_ago=14)
    heard_of("slow", seconds_ago=50, beat_seconds=20)
    lost_workers.end_silent()
    lost_workers.end_silent()
    states = [job_of(job_id).state for job_id in (silent, heard, slow)]
    assert states == [State.READY, State.RUNNING, State.RUNNING]
    [lost] = attempts_of(silent)
    assert lost.error == "LeaseEnded: silent sent no heartbeat for 15 s."


def test_one_that_tells_only_by_its_leases_keeps_its_jobs() -> None:
    # Such as a worker of a release before, or on SQLite; or one that has no row yet.
    jobs = [held_by("older"), held_by("newest")]
    heard_of("older", seconds_ago=55, beat_seconds=None)
    lost_workers.end_silent()
    assert {job_of(job_id).state for job_id in jobs} == {State.RUNNING}

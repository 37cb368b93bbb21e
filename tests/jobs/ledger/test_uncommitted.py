"""What a running job accepts is hidden until it commits, and until then holds up nobody."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group
from celery.exceptions import TimeoutError as TooLate
from sqlalchemy import select, text

from app.celery_app import celery_app
from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.jobs.errors import JobIdReused, NotCommittedYet
from app.jobs.ledger.models import JobGroup, State
from app.jobs.transitions import attempt
from app.jobs.transitions.attempt import checkpoint, job_session
from tests.jobs.running import effects, job_of, jobs_named
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

    from app.jobs.transitions.attempt import RunningJob

add, total = tasks.add, tasks.total


@pytest.fixture
def job(database: Engine) -> Iterator[RunningJob]:
    """A job that this process has claimed."""
    with transaction() as session:
        session.execute(text("CREATE TABLE effect (name text NOT NULL)"))
    accepted = tasks.wait_for_file.delay("ignored")
    running = attempt.begin(job_id=str(accepted.id), attempt=0, worker="here")
    assert running
    yield running
    attempt.end_current()


def queued() -> list[list[Any]]:
    """The arguments of the jobs that `add` was queued for, as everybody else sees them."""
    return [found.args for found in jobs_named(add.name)]


def refuse_to_wait_for_the_writer() -> None:
    """Write beside the running job, on SQLite without waiting for a turn."""
    if engine().dialect.name == "sqlite":
        with sqlite3.connect(engine().url.database or "", timeout=0) as connection:
            connection.execute("UPDATE job SET error = 'seen' WHERE state = 'running'")
    else:
        with engine().begin() as other:
            other.execute(text("UPDATE job SET error = 'seen' WHERE state = 'running'"))


@pytest.mark.parametrize(
    "queue",
    [
        lambda: add.delay(1, 2),
        lambda: add.apply_async((1, 2), task_id="mine"),
        lambda: chain(add.s(1, 2), add.s(3)).delay(),
        lambda: group(add.s(1, 2), add.s(3, 4)).delay(),
        lambda: chord([add.s(1, 2), add.s(3, 4)], total.s()).delay(),
        lambda: celery_app.backend.store_result(attempt.current().id, "half", "PROGRESS"),  # type: ignore[union-attr]
    ],
    ids=["job", "named job", "chain", "group", "chord", "progress"],
)
def test_a_job_that_queues_others_and_goes_on_is_not_the_one_writer(
    job: RunningJob, queue: Callable[[], Any]
) -> None:
    assert job_session() is not None
    queue()
    refuse_to_wait_for_the_writer()
    job.finish(None)
    assert job_of(job.id).state == State.DONE


def test_what_is_queued_is_there_with_the_finish_in_the_order_of_asking(job: RunningJob) -> None:
    add.delay(1, 1)
    tasks.record_effect.run("between")
    add.delay(2, 2)
    assert (queued(), effects()) == ([], [])
    job.finish(None)
    assert (queued(), effects()) == ([[1, 1], [2, 2]], ["between"])


def test_a_checkpoint_commits_what_is_queued(job: RunningJob) -> None:
    add.delay(1, 1)
    checkpoint()
    assert queued() == [[1, 1]]


@pytest.mark.parametrize("before", [lambda: None, lambda: tasks.record_effect.run("undone")])
def test_what_is_rolled_back_was_never_queued(job: RunningJob, before: Callable[[], None]) -> None:
    session = job_session()
    before()
    add.delay(1, 1)
    session.rollback()
    add.delay(2, 2)
    job.finish(None)
    assert (queued(), effects()) == ([[2, 2]], [])


def test_what_is_queued_in_a_savepoint_that_is_rolled_back_was_never_queued(job: RunningJob) -> None:
    add.delay(1, 1)
    savepoint = job_session().begin_nested()
    add.delay(2, 2)
    savepoint.rollback()
    job.finish(None)
    assert queued() == [[1, 1]]


def test_a_chord_that_a_job_queues_waits_for_its_parts(job: RunningJob) -> None:
    chord([add.s(1, 2), add.s(3, 4)], total.s()).delay()
    job.finish(None)
    with reading() as session:
        [kept] = session.scalars(select(JobGroup)).all()
    assert (kept.remaining, len(queued())) == (2, 2)


def test_a_countdown_begins_when_the_job_is_queued(job: RunningJob) -> None:
    begun = time.monotonic()
    soon, late = add.apply_async((1, 1), countdown=0.1), add.apply_async((2, 2), countdown=3600)
    wait_until(lambda: time.monotonic() - begun > 0.2, seconds=5, what="the countdown is over")
    job.finish(None)
    promoted = [State.READY] if engine().dialect.name == "sqlite" else [State.READY, State.SCHEDULED]
    assert job_of(soon.id).state in promoted
    assert job_of(late.id).state == State.SCHEDULED


def test_an_id_that_another_job_has_ends_the_job_with_the_reason(job: RunningJob) -> None:
    def body() -> None:
        add.apply_async((1, 1), task_id="twice")
        add.apply_async((2, 2), task_id="twice")
        job.finish(None)

    with pytest.raises(JobIdReused):  # where it is asked for, or at the end
        body()


@pytest.mark.parametrize(
    "queue",
    [
        lambda: add.delay(1, 2),
        lambda: add.apply_async((1, 2), countdown=60),
        lambda: chain(add.s(1, 2), add.s(3), add.s(4)).delay(),
        lambda: group(add.s(1, 2), add.s(3, 4)).delay(),
        lambda: chord([add.s(1, 2), add.s(3, 4)], total.s()).delay(),
    ],
    ids=["job", "later", "chain", "group", "chord"],
)
def test_waiting_for_what_is_not_committed_is_refused_at_once(
    job: RunningJob, queue: Callable[[], Any]
) -> None:
    result = queue()
    with pytest.raises(NotCommittedYet, match=r"never ends. Commit first \(in a job: checkpoint\(\)\)"):
        result.get()
    checkpoint()
    with pytest.raises(TooLate):
        result.get(timeout=0)


def test_a_job_does_not_wait_for_itself(job: RunningJob) -> None:
    with pytest.raises(NotCommittedYet):
        celery_app.AsyncResult(job.id).get()


@pytest.mark.usefixtures("database")
def test_waiting_within_a_transaction_is_refused_as_well() -> None:
    with transaction():
        result = add.delay(1, 2)
        with pytest.raises(NotCommittedYet):
            result.get()
    with pytest.raises(TooLate):
        result.get(timeout=0)


@pytest.mark.parametrize(
    "info", ["half", 0.5, None, ["a", 1], {}, {"done": 1}, {"_state": "x", "done": 1}, {"_info": 1}]
)
@pytest.mark.parametrize("state", ["PROGRESS", "UPLOADING"])
def test_progress_is_read_as_it_was_reported(job: RunningJob, info: Any, state: str) -> None:
    celery_app.backend.store_result(job.id, info, state)
    result = celery_app.AsyncResult(job.id)
    assert (result.state, result.info) == (state, info)

"""What a tick of beat sees to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, event, insert, update

from app.db.clock import clock
from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job, State, Worker
from app.schedule.defaults import seed
from app.schedule.due import Due, look
from app.schedule.models import ScheduleEntry
from tests.jobs.running import accept_many
from tests.sample import tasks

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("database")
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = Due(schedules=False, scheduled=False, waiting=False, held=False, silent=False, now=MOMENT)


def a_schedule_whose_moment_has_come() -> None:
    with transaction() as session:
        seed(session)
        session.execute(update(ScheduleEntry).values(next_at=clock(-1)))


def a_job_whose_time_has_come() -> None:
    tasks.add.apply_async((1, 1), countdown=60)
    with transaction() as session:
        session.execute(update(Job).values(run_at=clock(-1)))


def a_job_that_did_not_reach_the_broker() -> None:
    tasks.add.delay(1, 1)
    with transaction() as session:
        session.execute(update(Job).values(published_at=None))


def a_job_that_waits_for_its_turn() -> None:
    accept_many(tasks.serve.name, "flood", times=100)


def a_job_of_a_silent_worker() -> None:
    of_a_worker(seen_at=clock(-16))


def of_a_worker(*, seen_at: object, beat_seconds: float | None = 5, state: State = State.RUNNING) -> None:
    tasks.add.delay(1, 1)
    row = {"name": "w", "node": "w", "release": "dev", "concurrency": 1, "beat_seconds": beat_seconds}
    with transaction() as session:
        session.execute(update(Job).values(state=state, worker="w", lease_until=clock(60)))
        session.execute(insert(Worker).values(**row, started_at=clock(), seen_at=seen_at))


def seen() -> Due:
    return look()._replace(now=MOMENT)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (a_schedule_whose_moment_has_come, NOTHING._replace(schedules=True)),
        (a_job_whose_time_has_come, NOTHING._replace(scheduled=True)),
        (a_job_that_did_not_reach_the_broker, NOTHING._replace(waiting=True)),
        (a_job_that_waits_for_its_turn, NOTHING._replace(held=True)),
        (a_job_of_a_silent_worker, NOTHING._replace(silent=True)),
    ],
)
def test_each_kind_of_work_is_seen_and_no_other(make: Callable[[], None], found: Due) -> None:
    make()
    assert seen() == found


def test_what_lies_ahead_runs_or_is_in_the_broker_is_no_work() -> None:
    with transaction() as session:
        seed(session)
        session.execute(update(ScheduleEntry).values(next_at=clock(timedelta(days=1).total_seconds())))
    tasks.add.apply_async((1, 1), countdown=60)
    tasks.add.delay(1, 1)
    assert seen() == NOTHING


@pytest.mark.parametrize(
    ("seconds", "beat_seconds", "state"),
    [(14, 5.0, State.RUNNING), (600, None, State.RUNNING), (600, 5.0, State.DONE)],
    ids=["heard of", "known by its leases", "nothing left"],
)
def test_a_worker_that_is_heard_of_or_has_no_jobs_is_no_work(
    seconds: float, beat_seconds: float | None, state: State
) -> None:
    of_a_worker(seen_at=clock(-seconds), beat_seconds=beat_seconds, state=state)
    assert seen() == NOTHING


def test_it_tells_what_the_databases_clock_shows() -> None:
    with reading() as session:
        before = db_now(session)
    assert before <= look().now <= before + timedelta(seconds=60)


def test_a_look_is_one_statement() -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    look()
    event.remove(Engine, "before_cursor_execute", note)
    assert sum(statement.startswith("SELECT") for statement in statements) == 1

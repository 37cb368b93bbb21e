"""What a tick of beat sees to do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, update

from app.db.clock import clock
from app.db.engine import engine
from app.db.sessions import transaction
from app.jobs.ledger.models import Job
from app.schedule.defaults import seed
from app.schedule.due import Due, look
from app.schedule.models import ScheduleEntry
from tests.jobs.running import accept_many
from tests.sample import tasks

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("database")
NOTHING = Due(schedules=False, scheduled=False, waiting=False, held=False)


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


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (a_schedule_whose_moment_has_come, NOTHING._replace(schedules=True)),
        (a_job_whose_time_has_come, NOTHING._replace(scheduled=True)),
        (a_job_that_did_not_reach_the_broker, NOTHING._replace(waiting=True)),
        (a_job_that_waits_for_its_turn, NOTHING._replace(held=True)),
    ],
)
def test_each_kind_of_work_is_seen_and_no_other(make: Callable[[], None], found: Due) -> None:
    make()
    assert look() == found


def test_what_lies_ahead_runs_or_is_in_the_broker_is_no_work() -> None:
    with transaction() as session:
        seed(session)
        session.execute(update(ScheduleEntry).values(next_at=clock(timedelta(days=1).total_seconds())))
    tasks.add.apply_async((1, 1), countdown=60)
    tasks.add.delay(1, 1)
    assert look() == NOTHING


def test_a_look_is_one_statement() -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    look()
    event.remove(engine(), "before_cursor_execute", note)
    assert sum(statement.startswith("SELECT") for statement in statements) == 1

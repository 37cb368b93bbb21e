"""What happened of late is told while it is news, and what was forgotten once a day has passed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.clock import now
from app.db.sessions import reading, transaction
from app.health.checks.lately import (
    LATELY,
    dead_jobs,
    lost_workers,
    missed_schedules,
    new_dead,
)
from app.jobs.ledger.models import Job, State
from app.jobs.statistics import adding
from app.jobs.statistics.sums import ATTEMPT, FINISHED, Counted
from app.schedule.defaults import seed
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from tests.sample.tasks import add

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

AN_HOUR = timedelta(hours=1)
SCHEDULE = "banking.sync_all_accounts"


@pytest.fixture(autouse=True)
def configured(database: Engine, configure: Callable[..., None]) -> None:
    assert database
    configure()


def moment() -> datetime:
    with reading() as session:
        return now(session)


def count(kind: str, bucket: str, *, task: str = "a.b", at: datetime, ends: int = 1) -> None:
    """Have the statistics say that so many ended in the minute of that moment."""
    minute = adding.floor(at, adding.MINUTE)
    with transaction() as session:
        adding.add(session, [Counted(task, "default", kind, bucket, minute, ends, 0.0)])


def test_jobs_that_died_of_late_are_told_by_their_task() -> None:
    count(FINISHED, "dead", task="a.b", at=moment(), ends=2)
    count(FINISHED, "dead", task="a.b", at=moment() - AN_HOUR, ends=7)
    count(FINISHED, "dead", task="old.one", at=moment() - LATELY - timedelta(minutes=2))
    count(FINISHED, "done", task="well.done", at=moment())
    found = new_dead()
    assert (list(found.findings), found.value) == (["a.b"], 2)
    assert found.findings["a.b"].sentence == "2 jobs of a.b died within 15 minutes."


def test_workers_that_died_under_their_jobs_are_one_alert() -> None:
    count(ATTEMPT, "released", at=moment(), ends=5)
    assert lost_workers().findings == {}
    count(ATTEMPT, "lost", task="a.b", at=moment())
    count(ATTEMPT, "lost", task="c.d", at=moment())
    found = lost_workers()
    assert (list(found.findings), found.value) == ([""], 2)


def test_dead_jobs_are_told_once_they_have_waited_for_a_day(configure: Callable[..., None]) -> None:
    for _ in range(2):
        add.delay(1, 1)
    with transaction() as session:
        session.flush()
        for job in session.scalars(select(Job)):
            job.state, job.finished_at = State.DEAD, moment()
    assert (dead_jobs().findings, dead_jobs().value) == ({}, 0)
    with transaction() as session:
        for job in session.scalars(select(Job)):
            job.finished_at = moment() - 25 * AN_HOUR
    assert "2 jobs are dead" in dead_jobs().findings[""].sentence
    configure(health_dead_jobs=2)
    assert (dead_jobs().findings, dead_jobs().value) == ({}, 2)


def test_a_schedule_is_missed_until_it_fires_or_somebody_has_it_done() -> None:
    with transaction() as session:
        seed(session)
    note(RunOutcome.DONE, at=moment() - 3 * AN_HOUR)
    assert missed_schedules().findings == {}
    note(RunOutcome.MISSED, at=moment() - 2 * AN_HOUR)
    assert list(missed_schedules().findings) == [SCHEDULE]
    note(None, at=moment() - AN_HOUR)
    assert missed_schedules().findings == {}


def test_nobody_waits_for_a_schedule_that_is_disabled() -> None:
    with transaction() as session:
        seed(session)
        session.get_one(ScheduleEntry, SCHEDULE).enabled = False
    note(RunOutcome.MISSED, at=moment())
    assert missed_schedules().findings == {}


def note(outcome: RunOutcome | None, *, at: datetime) -> None:
    with transaction() as session:
        session.add(ScheduleRun(schedule=SCHEDULE, moment=at, fired_at=at, outcome=outcome))

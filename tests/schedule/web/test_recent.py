"""How a schedule is, by what came of its last moments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job, State
from app.schedule import service
from app.schedule.fire import fire_now
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from app.schedule.views import ScheduleDraft
from app.schedule.web.recent import MOMENTS, NOTHING, Condition, Recent, condition, recent

pytestmark = pytest.mark.usefixtures("database")
NAME, OTHER = "watched", "other"
TASK = "pricing.recompute_all_discounts"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def schedules(database: object) -> None:
    for name in (NAME, OTHER):
        draft = {"name": name, "task": TASK, "every_seconds": 60}
        with transaction() as session:
            service.create(session, ScheduleDraft.model_validate(draft))


def ended(outcome: RunOutcome, *, ago: timedelta = MINUTE, ran: timedelta = MINUTE, name: str = NAME) -> None:
    """A moment of so long ago that came to this."""
    with transaction() as session:
        at = db_now(session) - ago
        values = {"outcome": outcome, "started_at": at, "finished_at": at + ran}
        session.add(ScheduleRun(schedule=name, moment=at, fired_at=at, **values))


def running(*, since: timedelta, state: State = State.RUNNING) -> str:
    """A job of it that has run for so long; its id."""
    with transaction() as session:
        job_id = fire_now(session, service.find(session, NAME))
        began = db_now(session) - since
        session.execute(update(Job).where(Job.id == job_id).values(state=state, started_at=began))
    return job_id


def changed(**values: Any) -> None:
    with transaction() as session:
        session.execute(update(ScheduleEntry).where(ScheduleEntry.name == NAME).values(values))


def seen() -> Recent:
    with reading() as session:
        return recent(session, [NAME]).get(NAME, NOTHING)


def how() -> Condition:
    with reading() as session:
        entry, lately = service.find(session, NAME), recent(session, [NAME]).get(NAME, NOTHING)
        return condition(entry, lately, now=db_now(session))


def test_the_last_moments_of_each_are_seen_however_many_there_were() -> None:
    for number in range(MOMENTS + 3):
        ended(RunOutcome.DONE if number else RunOutcome.DEAD, ago=number * MINUTE)
    ended(RunOutcome.MISSED, name=OTHER)
    with reading() as session:
        found = recent(session, [NAME, OTHER, "nobody's"])
    assert [run.outcome for run in found[NAME].runs] == ["dead", *["done"] * (MOMENTS - 1)]
    assert [run.outcome for run in found[OTHER].runs] == ["missed"]
    assert set(found) == {NAME, OTHER}
    assert found[NAME].longest == MINUTE


def test_the_oldest_job_that_is_not_finished_is_seen() -> None:
    oldest = running(since=3 * MINUTE)
    running(since=MINUTE)
    for number in range(MOMENTS):
        ended(RunOutcome.SKIPPED, ago=-number * MINUTE)
    unfinished = seen().unfinished
    assert unfinished is not None
    assert unfinished.job_id == oldest
    assert unfinished.started_at is not None


def test_a_job_that_waits_does_not_run() -> None:
    running(since=MINUTE, state=State.SCHEDULED)
    unfinished = seen().unfinished
    assert unfinished is not None
    assert unfinished.started_at is None


@pytest.mark.parametrize("state", [State.DONE, State.DEAD, State.CANCELLED])
def test_a_job_that_has_ended_runs_no_more_before_beat_has_written_it_down(state: State) -> None:
    running(since=MINUTE, state=state)
    assert seen().unfinished is None


def test_long_is_twice_as_long_as_any_of_the_last_jobs() -> None:
    running(since=5 * MINUTE)
    assert how() is Condition.WELL  # nobody knows how long it takes
    ended(RunOutcome.DONE, ran=3 * MINUTE)
    assert how() is Condition.WELL
    with transaction() as session:
        session.execute(update(Job).values(started_at=db_now(session) - 7 * MINUTE))
    assert how() is Condition.LONG


def test_what_is_done_in_a_minute_is_never_long() -> None:
    running(since=timedelta(seconds=50))
    ended(RunOutcome.DONE, ran=timedelta(seconds=1))
    assert how() is Condition.WELL


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (RunOutcome.DONE, Condition.WELL),
        (RunOutcome.DEAD, Condition.FAILED),
        (RunOutcome.MISSED, Condition.MISSED),
        (RunOutcome.CANCELLED, Condition.WELL),
        (RunOutcome.SKIPPED, Condition.WELL),
    ],
)
def test_the_last_moment_tells_unless_its_job_is_not_finished(
    outcome: RunOutcome, expected: Condition
) -> None:
    assert how() is Condition.NEW
    ended(outcome)
    assert how() is expected
    running(since=timedelta(0))
    assert how() is expected


def test_what_keeps_it_from_firing_comes_first() -> None:
    ended(RunOutcome.DEAD)
    with reading() as session:
        now = db_now(session)
    for expected, values in (
        (Condition.LATE, {"next_at": now - 2 * MINUTE}),
        (Condition.OVERDUE, {"overdue_since": now}),
        (Condition.NOT_FIRED, {"problem": "It cannot."}),
        (Condition.PAUSED, {"enabled": False}),
        (Condition.GONE, {"gone_at": now}),
    ):
        changed(**values)
        assert how() is expected

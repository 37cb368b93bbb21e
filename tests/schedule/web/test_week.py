"""A week of schedules: what came of each moment, and which are to come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.db.sessions import reading, transaction
from app.schedule import service
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from app.schedule.views import ScheduleDraft
from app.schedule.web.week import DAYS, MAX_RUNS, Day, week

pytestmark = pytest.mark.usefixtures("database")
NAME, TASK = "watched", "pricing.recompute_all_discounts"
#: In Berlin, clocks go back on the Sunday of that week.
MONDAY = datetime(2026, 10, 19, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NOON = MONDAY + 2 * DAY + 12 * HOUR


def schedule(*, seen_until: datetime = NOON, **rule: Any) -> None:
    """One that beat has looked at until then."""
    with transaction() as session:
        service.create(session, ScheduleDraft.model_validate({"name": NAME, "task": TASK} | rule))
        values = {"seen_until": seen_until, "changed_at": MONDAY - DAY}
        session.execute(update(ScheduleEntry).values(values))


def ran(moment: datetime, outcome: RunOutcome | None = RunOutcome.DONE, **more: Any) -> None:
    run = {"moment": moment, "fired_at": moment, "outcome": outcome, **more}
    with transaction() as session:
        session.add(ScheduleRun(schedule=NAME, **run))


def days(*, at: datetime = NOON, begin: datetime = MONDAY) -> list[Day]:
    with reading() as session:
        return week(session, [service.find(session, NAME)], begin=begin, at=at)[NAME]


def told(found: list[Day]) -> list[list[str]]:
    """The moments of each day, as far as they are listed."""
    return [[f"{mark.at:%H:%M} {mark.word}" for mark in day.marks or ()] for day in found]


def test_what_came_of_moments_stands_before_what_is_to_come() -> None:
    schedule(cron="0 2,14 * * *")
    ran(MONDAY + 2 * HOUR)
    ran(MONDAY + 14 * HOUR, RunOutcome.DEAD)
    ran(MONDAY + DAY + 2 * HOUR, None, job_id="a-job")
    assert told(days())[:4] == [
        ["02:00 done", "14:00 dead"],
        ["02:00 not finished"],
        ["14:00 to come"],
        ["02:00 to come", "14:00 to come"],
    ]


def test_on_a_day_when_clocks_change_moments_are_those_that_beat_fires() -> None:
    schedule(cron="0 2 * * *", timezone="Europe/Berlin")
    assert told(days())[3:] == [["00:00 to come"], ["00:00 to come"], ["00:00 to come"], ["00:00 to come"]]
    assert told(days(begin=MONDAY + DAYS * DAY))[0] == ["01:00 to come"]


def test_of_many_the_number_is_told_and_the_day_of_the_change_is_longer_on_its_clock() -> None:
    schedule(cron="*/5 * * * *", timezone="Europe/Berlin")
    found = days()
    assert [day.counts["to come"] for day in found] == [0, 0, 143, 288, 288, 288, 288]
    assert found[3].marks is None


def test_moments_that_beat_did_not_look_at_are_late() -> None:
    schedule(cron="0 * * * *", seen_until=NOON - 3 * HOUR)
    (today,) = [day for day in days() if day.begin <= NOON < day.begin + DAY]
    assert today.counts == {"late": 2, "to come": 12}


def test_all_that_were_missed_are_told_though_the_first_alone_is_noted() -> None:
    schedule(every_seconds=3600)
    woke = MONDAY + DAY + 3 * HOUR + MINUTE
    ran(MONDAY + 20 * HOUR, RunOutcome.MISSED, fired_at=woke)
    # Somebody ran it by hand meanwhile, and beat fired the latest moment when it was back.
    ran(MONDAY + 22 * HOUR + MINUTE)
    ran(MONDAY + DAY + 3 * HOUR, fired_at=woke)
    found = days()
    assert found[0].counts == {"missed": 4, "done": 1}
    assert told(found)[0] == ["20:00 missed", "21:00 missed", "22:00 missed", "22:01 done", "23:00 missed"]
    assert found[1].counts == {"missed": 3, "done": 1}


def test_what_was_missed_from_the_week_before_on_is_told() -> None:
    schedule(every_seconds=3600)
    ran(MONDAY - HOUR, RunOutcome.MISSED, fired_at=MONDAY + 2 * HOUR + MINUTE)
    assert days()[0].counts == {"missed": 3}


def test_what_was_missed_before_an_edit_is_told_as_it_is_noted() -> None:
    schedule(every_seconds=3600)
    with transaction() as session:
        session.execute(update(ScheduleEntry).values(changed_at=MONDAY + 5 * HOUR))
    ran(MONDAY + HOUR, RunOutcome.MISSED, fired_at=MONDAY + 5 * HOUR)
    assert days()[0].counts == {"missed": 1}


def test_one_that_had_many_moments_is_counted_alone() -> None:
    schedule(every_seconds=60)
    for number in range(MAX_RUNS + 1):
        ran(MONDAY + number * MINUTE)
    found = days()[0]
    assert found.counts == {"done": MAX_RUNS + 1}
    assert found.marks is None


@pytest.mark.parametrize("values", [{"enabled": False}, {"gone_at": NOON}, {"ends_at": NOON}])
def test_one_that_does_not_fire_has_nothing_to_come(values: dict[str, Any]) -> None:
    schedule(cron="0 2 * * *")
    with transaction() as session:
        session.execute(update(ScheduleEntry).values(values))
    assert sum(day.total for day in days()) == 0


def test_one_that_fires_once_has_one_moment_to_come() -> None:
    schedule(cron="0 2 * * *", one_off=True)
    assert [day.total for day in days()] == [0, 0, 0, 1, 0, 0, 0]

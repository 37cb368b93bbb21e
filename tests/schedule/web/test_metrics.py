"""What the metrics say of schedules and of beat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app.db.sessions import transaction
from app.schedule import service
from app.schedule.leader import BEAT, holder_here, host_of, lead
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from app.schedule.views import ScheduleDraft
from tests.jobs.web.test_metrics import sample

pytestmark = pytest.mark.usefixtures("database")
NAME = "watched"
AT = datetime(2026, 11, 29, 6, 30, tzinfo=UTC)


def made(*, name: str = NAME, **columns: object) -> None:
    task = "pricing.recompute_all_discounts"
    draft = {"name": name, "task": task, "every_seconds": 60, "success_within_seconds": 600}
    with transaction() as session:
        service.create(session, ScheduleDraft.model_validate(draft))
        session.execute(
            update(ScheduleEntry).where(ScheduleEntry.name == name).values(columns or {"name": name})
        )


def test_a_schedule_tells_when_it_is_due_and_when_it_last_succeeded() -> None:
    made(next_at=AT, last_success_at=AT - timedelta(minutes=1))
    assert sample("schedule_due_timestamp_seconds", schedule=NAME) == AT.timestamp()
    assert sample("schedule_last_success_timestamp_seconds", schedule=NAME) == AT.timestamp() - 60


def test_of_what_never_was_there_is_no_time() -> None:
    made(next_at=None)
    assert sample("schedule_due_timestamp_seconds", schedule=NAME) is None
    assert sample("schedule_last_success_timestamp_seconds", schedule=NAME) is None


def test_a_moment_that_could_not_be_fired_and_a_success_that_is_overdue_are_told() -> None:
    made()
    made(name="broken", problem="There is no such task.", overdue_since=AT)
    assert (sample("schedule_not_fired", schedule=NAME), sample("schedule_overdue", schedule=NAME)) == (0, 0)
    assert sample("schedule_not_fired", schedule="broken") == 1
    assert sample("schedule_overdue", schedule="broken") == 1


def test_a_schedule_without_a_limit_is_not_overdue_and_not_on_time() -> None:
    made(success_within_seconds=None)
    assert sample("schedule_overdue", schedule=NAME) is None


def test_missed_moments_of_the_last_hour_are_counted_by_schedule() -> None:
    now = datetime.now(UTC)
    noted = [
        (now, RunOutcome.MISSED),
        (now - timedelta(minutes=59), RunOutcome.MISSED),
        (now - timedelta(minutes=61), RunOutcome.MISSED),
        (now - timedelta(minutes=1), RunOutcome.SKIPPED),
    ]
    with transaction() as session:
        for fired_at, outcome in noted:
            session.add(ScheduleRun(schedule=NAME, moment=fired_at, fired_at=fired_at, outcome=outcome))
    assert sample("schedule_missed", schedule=NAME) == 2


def test_the_host_whose_beat_leads_is_told_while_it_does() -> None:
    assert sample("beat_leader") is None
    holder = holder_here()
    assert lead(BEAT, holder=holder)
    assert lead("other", holder="elsewhere#1")
    assert sample("beat_leader", node=host_of(holder)) == 1
    assert sample("beat_leader", node="elsewhere") is None

"""The metrics of schedules and beat; those of the ledger bring them along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.db.clock import clock
from app.jobs.web.families import gauge
from app.schedule.leader import BEAT, host_of
from app.schedule.models import Leader, RunOutcome, ScheduleEntry, ScheduleRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from prometheus_client.metrics_core import Metric
    from sqlalchemy.orm import Session

#: The history is long, and is not counted as a whole.
RECENT_SECONDS = 3_600.0


def families(session: Session) -> Iterator[Metric]:
    """When schedules are due and last succeeded, what went wrong with them, and which beat leads."""
    columns = (
        ScheduleEntry.name,
        ScheduleEntry.next_at,
        ScheduleEntry.last_success_at,
        ScheduleEntry.problem,
        ScheduleEntry.success_within_seconds,
        ScheduleEntry.overdue_since,
    )
    entries = session.execute(select(*columns).order_by(ScheduleEntry.name)).all()
    due = [(entry.name, entry.next_at) for entry in entries]
    yield _times("schedule_due_timestamp_seconds", "When beat is to look at the schedule next.", due)
    succeeded = [(entry.name, entry.last_success_at) for entry in entries]
    yield _times("schedule_last_success_timestamp_seconds", "When a job of it was last done.", succeeded)
    yield gauge(
        "schedule_not_fired",
        "Whether its last moment could not be fired. Must be 0.",
        ("schedule",),
        [(entry.name, int(entry.problem is not None)) for entry in entries],
    )
    watched = [entry for entry in entries if entry.success_within_seconds is not None]
    yield gauge(
        "schedule_overdue",
        "Whether it has not succeeded for longer than it may. Must be 0.",
        ("schedule",),
        [(entry.name, int(entry.overdue_since is not None)) for entry in watched],
    )
    yield gauge(
        "schedule_missed",
        "Moments that were too late to be fired, noted within the last hour.",
        ("schedule",),
        _missed(session),
    )
    leads = select(Leader.holder).where(Leader.until > clock(), Leader.name == BEAT)
    nodes = [(host_of(holder), 1) for holder in session.scalars(leads)]
    yield gauge("beat_leader", "The host whose beat leads.", ("node",), nodes)


def _times(name: str, text: str, times: list[tuple[str, datetime | None]]) -> Metric:
    samples = [(schedule, at.timestamp()) for schedule, at in times if at is not None]
    return gauge(name, text, ("schedule",), samples)


def _missed(session: Session) -> list[tuple[str, int]]:
    counts = (
        select(ScheduleRun.schedule, func.count())
        .where(ScheduleRun.fired_at > clock(-RECENT_SECONDS), ScheduleRun.outcome == RunOutcome.MISSED)
        .group_by(ScheduleRun.schedule)
    )
    return [(schedule, count) for schedule, count in session.execute(counts)]

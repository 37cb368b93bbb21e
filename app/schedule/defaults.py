"""The schedules that tasks declare, as rows: made once, renewed while nobody has edited them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import select

from app.db.clock import now as db_now
from app.jobs.declaration import registry
from app.schedule.models import ScheduleEntry, ScheduleState
from app.schedule.spec import Cron, Every

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy.orm import Session

    from app.schedule.spec import Schedule

log = structlog.get_logger(__name__)

#: What an entry has that says nothing about when it fires.
_UNSET: dict[str, Any] = {
    "arguments": {},
    "queue": None,
    "priority": None,
    "starts_at": None,
    "ends_at": None,
    "one_off": False,
    "once_at": None,
    "enabled": True,
}

#: The columns that say what a schedule does, as against those that beat keeps.
SET = (
    *_UNSET,
    *("cron", "interval_seconds", "timezone", "overlap", "misfire"),
    *("grace_seconds", "jitter_seconds", "success_within_seconds"),
)


def seed(session: Session) -> None:
    """Bring the rows in line with what the tasks of this release declare. Edits stand above it."""
    now = db_now(session)
    rows = {row.name: row for row in session.scalars(select(ScheduleEntry))}
    declared = {name: columns_of(spec.schedule) for name, spec in registry.tasks().items() if spec.schedule}
    remembered = {state.name: state for state in session.scalars(select(ScheduleState))}
    for name, columns in declared.items():
        if name in rows:
            _renew(rows[name], columns, now=now)
        else:
            session.add(_made(name, columns, state=remembered.get(name), now=now))
    for row in rows.values():
        if row.default is not None and row.name not in declared and row.gone_at is None:
            log.warning("schedule_default_gone", schedule=row.name)
            row.gone_at, row.next_at = now, None
    session.flush()


def columns_of(schedule: Schedule) -> dict[str, Any]:
    """What a declaration says, by the columns of a row."""
    policies = schedule.policies
    return {
        "cron": schedule.expression if isinstance(schedule, Cron) else None,
        "interval_seconds": _seconds(schedule.interval) if isinstance(schedule, Every) else None,
        "timezone": schedule.timezone if isinstance(schedule, Cron) else "UTC",
        "overlap": policies.overlap.value,
        "misfire": policies.misfire.value,
        "grace_seconds": _seconds(policies.grace),
        "jitter_seconds": _seconds(policies.jitter),
        "success_within_seconds": _seconds(policies.success_within),
    }


def put(row: ScheduleEntry, columns: dict[str, Any], *, now: datetime) -> None:
    """Give a row other columns. With another time to fire, moments up to now are passed over."""
    before = _when(row)
    for column, value in columns.items():
        setattr(row, column, value)
    if _when(row) != before:
        row.seen_until = now
    row.version += 1
    row.changed_at = now
    row.problem = row.overdue_since = None
    row.next_at = row.next_after(row.seen_until)


def _when(row: ScheduleEntry) -> tuple[Any, ...]:
    return (
        row.cron,
        row.interval_seconds,
        row.once_at,
        row.timezone,
        row.starts_at,
        row.ends_at,
        row.enabled,
    )


def reset(row: ScheduleEntry, *, now: datetime) -> None:
    """Take the edits of a default back."""
    put(row, _UNSET | (row.default or {}), now=now)
    row.edited = False


def declared(row: ScheduleEntry) -> Schedule | None:
    """When a task has it fire, whatever it was edited to; None for one that no task declares."""
    return None if row.default is None else ScheduleEntry(**(_UNSET | row.default)).rule


def new_entry(name: str, *, task: str, columns: dict[str, Any], now: datetime) -> ScheduleEntry:
    """A row that begins now: no moment of the past is fired."""
    row = ScheduleEntry(name=name, task=task, edited=False, version=0, created_at=now)
    put(row, columns, now=now)
    return row


def _made(name: str, columns: dict[str, Any], *, state: ScheduleState | None, now: datetime) -> ScheduleEntry:
    row = new_entry(name, task=name, columns=_UNSET | columns, now=now)
    row.default = columns
    if state is not None:  # an earlier release has fired it: what it missed since is caught up with
        row.seen_until, row.last_fire_at = state.seen_until, state.last_fire_at
        row.next_at = row.next_after(state.seen_until)
    return row


def _renew(row: ScheduleEntry, columns: dict[str, Any], *, now: datetime) -> None:
    if row.default != columns:
        # A schedule of that name which somebody made before the task declared one is an edit of it.
        is_own = row.default is None
        row.default = columns
        row.edited = row.edited or is_own
        if not row.edited:
            put(row, columns, now=now)
    if row.gone_at is not None:
        row.gone_at = None
        row.next_at = row.next_after(row.seen_until)


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds())

"""Makes and changes schedules. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.db.clock import now as db_now
from app.db.upsert import insert_or_update
from app.schedule import defaults
from app.schedule.checks import refuse_unusable
from app.schedule.errors import (
    DefaultSchedule,
    InvalidPeriod,
    InvalidRule,
    InvalidScheduleName,
    NeverFires,
    NoDefault,
    ScheduleChanged,
    ScheduleNameTaken,
    TooFar,
    UnknownSchedule,
)
from app.schedule.models import ScheduleEntry
from app.schedule.spec import LONGEST
from app.schedule.views import ScheduleChange

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.schedule.views import ScheduleDraft

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}", re.ASCII)
_RULE = {"cron": "cron", "interval_seconds": "every_seconds", "once_at": "at"}


def list_schedules(
    session: Session, *, containing: str = "", after: str = "", limit: int | None = None
) -> Sequence[ScheduleEntry]:
    """Schedules by name; those alone that have `containing` in their names, and that come after `after`."""
    some = select(ScheduleEntry).where(ScheduleEntry.name > after).order_by(ScheduleEntry.name)
    if containing:
        some = some.where(ScheduleEntry.name.icontains(containing, autoescape=True))
    return session.scalars(some.limit(limit)).all()


def find(session: Session, name: str) -> ScheduleEntry:
    """The schedule of that name. Raises `UnknownSchedule`."""
    entry = session.get(ScheduleEntry, name) if _NAME.fullmatch(name) else None
    if entry is None:
        raise UnknownSchedule(name=name, known=session.scalars(select(ScheduleEntry.name)).all())
    return entry


def locked(session: Session, name: str) -> ScheduleEntry:
    """A schedule that neither beat nor another edit changes meanwhile."""
    entry = find(session, name)
    session.refresh(entry, with_for_update=True)
    return entry


def create(session: Session, draft: ScheduleDraft) -> ScheduleEntry:
    """Make a schedule that begins now."""
    if not _NAME.fullmatch(draft.name):
        raise InvalidScheduleName(name=draft.name)
    now = db_now(session)
    columns = _checked(draft.columns(), task=draft.task, now=now)
    entry = defaults.new_entry(draft.name, task=draft.task, columns=columns, now=now)
    _refuse_idle(entry)
    values = {column.key: getattr(entry, column.key) for column in ScheduleEntry.__table__.columns}
    made = insert_or_update(session, ScheduleEntry).values(values).on_conflict_do_nothing()
    if session.scalar(made.returning(ScheduleEntry.name)) is None:
        raise ScheduleNameTaken(name=draft.name)
    return find(session, draft.name)


def change(session: Session, name: str, wanted: ScheduleChange) -> ScheduleEntry:
    """Change what is given of a schedule; beat goes by it at its next tick."""
    entry = locked(session, name)
    now = db_now(session)
    defaults.put(entry, _merged(entry, wanted, now=now), now=now)
    _refuse_idle(entry)
    entry.edited = entry.default is not None
    session.flush()
    return entry


def changed(entry: ScheduleEntry, wanted: ScheduleChange, *, now: datetime) -> ScheduleEntry:
    """What `change` would make of a schedule, which stays as it is."""
    columns = _merged(entry, wanted, now=now)
    made = defaults.new_entry(entry.name, task=entry.task, columns=columns, now=now)
    _refuse_idle(made)
    return made


def set_enabled(session: Session, name: str, *, enabled: bool, version: int) -> bool:
    """Pause or resume a schedule that is as somebody saw it; whether that changed anything.

    Raises `ScheduleChanged`.
    """
    entry = locked(session, name)
    if entry.enabled == enabled:
        return False
    if entry.version != version:
        raise ScheduleChanged(name=name)
    if enabled:
        change(session, name, ScheduleChange(enabled=True))
    else:
        # One that could not be fired as it is can be paused all the same.
        defaults.put(entry, {"enabled": False}, now=db_now(session))
        entry.edited = entry.default is not None
        session.flush()
    return True


def reset(session: Session, name: str) -> ScheduleEntry:
    """Take the edits of a default back."""
    entry = locked(session, name)
    if entry.default is None:
        raise NoDefault(name=name)
    defaults.reset(entry, now=db_now(session))
    session.flush()
    return entry


def remove(session: Session, name: str) -> None:
    """Delete a schedule that no task declares; its history stays as long as that of others."""
    entry = locked(session, name)
    if entry.default is not None and entry.gone_at is None:
        raise DefaultSchedule(name=name)
    session.delete(entry)
    session.flush()


def preview(entry: ScheduleEntry, *, after: datetime, count: int) -> list[datetime]:
    """The next moments, as if the schedule were enabled."""
    far = after + LONGEST
    return list(islice(entry.period.between(entry.rule, after=after, upto=far), count))


def _merged(entry: ScheduleEntry, wanted: ScheduleChange, *, now: datetime) -> dict[str, Any]:
    columns = wanted.columns()
    if any(columns.get(column) is not None for column in _RULE):
        columns = dict.fromkeys(_RULE) | columns
    merged = {column: getattr(entry, column) for column in defaults.SET} | columns
    return _checked(merged, task=entry.task, now=now)


def _checked(columns: dict[str, Any], *, task: str, now: datetime) -> dict[str, Any]:
    """The columns of a schedule that can be fired. Raises what is wrong, before anything is worked out."""
    given = [shown for column, shown in _RULE.items() if columns[column] is not None]
    if len(given) != 1:
        raise InvalidRule(given=given)
    for column in ("once_at", "starts_at", "ends_at"):
        moment: datetime | None = columns[column]
        if moment is not None and not now - LONGEST <= moment <= now + LONGEST:
            raise TooFar(field=_RULE.get(column, column), moment=moment, days=LONGEST.days)
    if columns["starts_at"] and columns["ends_at"] and columns["ends_at"] < columns["starts_at"]:
        raise InvalidPeriod("ends_at is before starts_at. Exchange them, or leave one out.")
    return columns | {"arguments": refuse_unusable(ScheduleEntry(task=task, **columns))}


def _refuse_idle(entry: ScheduleEntry) -> None:
    if entry.enabled and entry.gone_at is None and entry.next_at is None:
        raise NeverFires(name=entry.name)

"""Edits of a schedule by somebody who saw it: shown before they are made, refused if it is another by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.db.clock import now as db_now
from app.schedule import defaults, service
from app.schedule.errors import ScheduleChanged
from app.schedule.web.counting import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.schedule.models import ScheduleEntry
    from app.schedule.views import ScheduleChange

MOMENTS = 10
WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A schedule as it would be."""

    entry: ScheduleEntry
    #: Its next moments, as if it were enabled.
    moments: Sequence[datetime]
    #: How many moments it has within a week from now.
    weekly: int


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What an edit changed: columns with what they held before and what they hold after."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


def preview(session: Session, name: str, wanted: ScheduleChange) -> Preview:
    """What `edit` would make of a schedule. Raises what is wrong with it, as `edit` does."""
    now = db_now(session)
    made = service.changed(service.find(session, name), wanted, now=now)
    return Preview(
        entry=made,
        moments=service.preview(made, after=now, count=MOMENTS),
        weekly=count(made.rule, period=made.period, begin=now, end=now + WEEK),
    )


def edit(session: Session, name: str, wanted: ScheduleChange, *, version: int) -> Edit | None:
    """Change a schedule that is as somebody saw it; None if it is already as wanted.

    Raises `ScheduleChanged`.
    """
    entry = service.locked(session, name)
    before = _columns(entry)
    made = _columns(service.changed(entry, wanted, now=db_now(session)))
    if made == before:
        return None
    _require(entry, version=version)
    return _edit(before, _columns(service.change(session, name, wanted)))


def take_back(session: Session, name: str, *, version: int) -> Edit | None:
    """Set a schedule that is as somebody saw it to what its task declares; None if it is not edited.

    Raises `ScheduleChanged`.
    """
    entry = service.locked(session, name)
    before = _columns(entry)
    if entry.default is not None and not entry.edited:
        return None
    _require(entry, version=version)
    return _edit(before, _columns(service.reset(session, name)))


def _require(entry: ScheduleEntry, *, version: int) -> None:
    if entry.version != version:
        raise ScheduleChanged(name=entry.name)


def _columns(entry: ScheduleEntry) -> dict[str, Any]:
    return {column: getattr(entry, column) for column in defaults.SET}


def _edit(before: Mapping[str, Any], after: Mapping[str, Any]) -> Edit:
    changed = [column for column in before if before[column] != after[column]]
    return Edit(
        before={column: _plain(before[column]) for column in changed},
        after={column: _plain(after[column]) for column in changed},
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

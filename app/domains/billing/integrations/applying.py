"""Brings stored events in line with what a calendar tells. Nothing here commits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, false, or_, update

from app.db.clock import now as db_now
from app.db.upsert import insert_or_update
from app.domains.billing.integrations.models import SyncedEvent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.domains.billing.integrations.facts import CalendarEvent, Changes, Window

#: What of an event makes it another one for time capture.
TOLD = ("version", "series_id", "starts_at", "ends_at", "all_day", "title", "status", "attendance")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Whose events, and in which reading of all of them they are told."""

    integration_id: int
    reading: int


def apply(session: Session, changes: Changes, *, place: Place) -> None:
    """Store a page. An event that is told as it is stored is not changed."""
    _put(session, changes.events, place=place)
    if changes.removed:
        # A series is gone with all of its events, of which none may be named.
        named = or_(SyncedEvent.event_id.in_(changes.removed), SyncedEvent.series_id.in_(changes.removed))
        _delete(session, named, place=place)


def delete_unnamed(session: Session, window: Window, *, place: Place) -> None:
    """Delete what the reading that has just ended did not name. What is outside of its window stays."""
    is_within = and_(SyncedEvent.ends_at > window.starts_at, SyncedEvent.starts_at < window.ends_at)
    _delete(session, and_(SyncedEvent.reading < place.reading, is_within), place=place)


def _put(session: Session, events: Sequence[CalendarEvent], *, place: Place) -> None:
    if not events:
        return
    now = db_now(session)
    statement = insert_or_update(session, SyncedEvent).values(
        [_row(one, place=place, now=now) for one in events]
    )
    new = statement.excluded
    differs = or_(
        SyncedEvent.is_deleted, *(getattr(SyncedEvent, name).is_distinct_from(new[name]) for name in TOLD)
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[SyncedEvent.integration_id, SyncedEvent.event_id],
            set_={
                **{name: new[name] for name in TOLD},
                "is_deleted": false(),
                "is_captured": case((differs, false()), else_=SyncedEvent.is_captured),
                "changed_at": case((differs, new.changed_at), else_=SyncedEvent.changed_at),
                "reading": new.reading,
            },
        )
    )


def _row(event: CalendarEvent, *, place: Place, now: datetime) -> dict[str, Any]:
    told = asdict(event)
    return {
        "integration_id": place.integration_id,
        "event_id": event.id,
        **{name: told[name] for name in TOLD},
        "is_deleted": False,
        "is_captured": False,
        "reading": place.reading,
        "changed_at": now,
    }


def _delete(session: Session, which: ColumnElement[bool], *, place: Place) -> None:
    mine = and_(SyncedEvent.integration_id == place.integration_id, ~SyncedEvent.is_deleted)
    gone = update(SyncedEvent).where(mine, which)
    values = {"is_deleted": True, "is_captured": False, "changed_at": db_now(session)}
    session.execute(gone.values(**values).execution_options(synchronize_session=False))

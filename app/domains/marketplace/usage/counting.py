"""Counts what happens to models, each event once by its id. Nothing here commits.

Of a model that many look at, all events of an hour are one row: whoever counts them holds it until the
commit, so that they are counted as many at a time as came together. Rows are written in one order by all who
write them, so that two who count the same do not wait for each other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.db.pruning import prune
from app.db.upsert import insert_or_update
from app.domains.marketplace.usage.models import Span, UsageCount, UsageEvent
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.marketplace.usage.models import UsageKind

#: What is older is not taken: its id may have been forgotten, and it would count twice.
REMEMBERED = timedelta(days=7)
#: An id stays for longer than its event is taken, by more than what clocks of hosts and callers differ.
FORGOTTEN_AFTER = REMEMBERED + timedelta(days=1)
_KEY = (UsageCount.model_id, UsageCount.kind, UsageCount.span, UsageCount.begins_at)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a model."""

    id: str
    model_id: int
    kind: UsageKind
    happened_at: datetime


def count(session: Session, events: Sequence[Event], *, now: datetime) -> int:
    """Count those of `events` that were not counted before; how many.

    Raises `InvalidFields` where an id is that of an event of another model or kind; none is counted then.
    """
    by_id: dict[str, Event] = {}
    for event in events:
        by_id.setdefault(event.id, event)
    new = _insert(session, by_id, now=now)
    _refuse_ids_of_others(session, events, by_id, new=new)
    _add(session, [by_id[id_] for id_ in new])
    return len(new)


def begin_of(span: Span, moment: datetime) -> datetime:
    """When the hour or the day (UTC) of a moment began."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour if span is Span.HOUR else hour.replace(hour=0)


def forget(session: Session, *, now: datetime, commit: Checkpoint) -> int:
    """Delete events whose ids nobody may send again; how many. What they counted stays."""
    old = UsageEvent.received_at < now - FORGOTTEN_AFTER
    return prune(session, select(UsageEvent.id).where(old), commit=commit)


def _insert(session: Session, by_id: Mapping[str, Event], *, now: datetime) -> set[str]:
    rows = [
        {
            "id": one.id,
            "model_id": one.model_id,
            "kind": one.kind,
            "happened_at": one.happened_at,
            "received_at": now,
        }
        for _, one in sorted(by_id.items())
    ]
    if not rows:
        return set()
    statement = insert_or_update(session, UsageEvent).on_conflict_do_nothing(index_elements=[UsageEvent.id])
    return set(session.connection().execute(statement.returning(UsageEvent.id), rows).scalars())


def _refuse_ids_of_others(
    session: Session, events: Sequence[Event], by_id: Mapping[str, Event], *, new: set[str]
) -> None:
    first = {id_: (one.model_id, str(one.kind)) for id_, one in by_id.items()}
    if len(new) < len(by_id):
        known = select(UsageEvent.id, UsageEvent.model_id, UsageEvent.kind)
        rows = session.execute(known.where(UsageEvent.id.in_(by_id.keys() - new)))
        first |= {id_: (model_id, kind) for id_, model_id, kind in rows}
    errors = [
        _id_of_another(at, one, *first[one.id])
        for at, one in enumerate(events)
        if first[one.id] != (one.model_id, one.kind)
    ]
    if errors:
        raise InvalidFields(errors)


def _id_of_another(at: int, event: Event, model_id: int, kind: str) -> FieldError:
    detail = f'The id "{event.id}" is that of a {kind} of model {model_id}. Give each event an id of its own.'
    return FieldError(detail=detail, pointer=f"/events/{at}/id")


def _add(session: Session, events: Iterable[Event]) -> None:
    counted = Counter(
        (one.model_id, str(one.kind), str(span), begin_of(span, one.happened_at))
        for one in events
        for span in Span
    )
    names = [column.key for column in _KEY]
    rows: list[dict[str, Any]] = [
        dict(zip(names, key, strict=True)) | {"count": found} for key, found in sorted(counted.items())
    ]
    if not rows:
        return
    statement = insert_or_update(session, UsageCount)
    more = UsageCount.count + statement.excluded["count"]
    adding = statement.on_conflict_do_update(index_elements=_KEY, set_={"count": more})
    session.connection().execute(adding, rows)

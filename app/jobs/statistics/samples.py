"""What was there from time to time, as it was written down then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from app.db.clock import clock
from app.db.upsert import insert_or_update
from app.jobs.ledger.models import State
from app.jobs.statistics.models import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

KEPT = timedelta(hours=48)


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """A sample; see `Sample` for what its numbers are."""

    taken_at: datetime
    states: Mapping[str, int]
    queues: Mapping[str, int]
    overdue: Mapping[str, int]
    #: How long ago it was taken.
    age: timedelta


def last(session: Session) -> Sampled | None:
    """The newest; None before the first."""
    row = session.execute(_newest()).one_or_none()
    if row is None:
        return None
    return Sampled(
        taken_at=row.taken_at,
        states=_numbers(row.states),
        queues=_numbers(row.queues),
        overdue=_numbers(row.overdue),
        age=row.now - row.taken_at,
    )


@cache
def _newest() -> Select[Any]:
    columns = (Sample.taken_at, Sample.states, Sample.queues, Sample.overdue, clock().label("now"))
    return select(*columns).order_by(Sample.taken_at.desc()).limit(1)


def waiting(session: Session, *, begin: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """How many jobs were ready at each moment of that time at which somebody counted."""
    within = (Sample.taken_at >= begin, Sample.taken_at < end)
    rows = select(Sample.taken_at, Sample.states).where(*within).order_by(Sample.taken_at)
    return [(at, _numbers(states).get(State.READY, 0)) for at, states in session.execute(rows)]


def _numbers(value: object) -> dict[str, int]:
    # What a person's hand has written may be anything.
    found = value if isinstance(value, dict) else {}
    return {str(name): number for name, number in found.items() if type(number) is int and number >= 0}


def write(session: Session, *, taken_at: datetime, **values: Mapping[str, float]) -> None:
    """Keep one; whoever looked at the same moment has written the same."""
    row = {name: dict(value) for name, value in values.items()}
    insert = insert_or_update(session, Sample).values(taken_at=taken_at, **row)
    session.execute(insert.on_conflict_do_nothing())


def forget(session: Session) -> None:
    """Delete those that are too old."""
    session.execute(delete(Sample).where(Sample.taken_at < clock(-KEPT.total_seconds())))

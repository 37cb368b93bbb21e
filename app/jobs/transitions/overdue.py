"""The count that must be 0: jobs that were accepted, are not finished, and that nobody is bringing forward.

A job is overdue when it has been due for more than `CHECK_TIMEOUT` and one of these holds:

- `not_promoted`: it is scheduled, its time has come, and beat has not made it ready;
- `not_published`: it is ready and known not to be in the broker, though its queue has room (or the
  broker does not answer);
- `not_admitted`: it is held, and its partition has had room all the while;
- `lost`: it is ready and was published, but its queue holds nothing so old any more, so its message is
  gone and beat has not sent it again;
- `lease_ended`: it is running by the record, its worker was not heard of past the lease, and beat has
  not taken it back.

Not overdue: a scheduled job without a time (it waits for the link of its chain before it), a job in a
long queue, one held back in the ledger because its queue is full, and one that waits for its turn in its
partition.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import bindparam, func, select

from app.db.clock import clock
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.states import in_state
from app.jobs.transitions.in_broker import jobs_of
from app.jobs.transitions.recover import WAITING
from app.jobs.transitions.unadmitted import count_unadmitted
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.jobs.transitions.recover import BrokerList
    from app.topology import Priority, Queue

#: One list of the broker.
Place: TypeAlias = "tuple[Queue, Priority]"
OfPlace: TypeAlias = "Callable[[Place], ColumnElement[bool]]"

#: Beat acts within seconds; what is late by this much was forgotten.
CHECK_TIMEOUT = timedelta(seconds=30)


def count_overdue(session: Session, lists: Sequence[BrokerList] | None) -> dict[str, int]:
    """How many jobs are overdue, by reason; `lists` is what the broker holds, None when it is away."""
    now = session.execute(select(clock())).scalar_one()
    late = now - CHECK_TIMEOUT
    return {
        "not_promoted": _count(session, in_state(State.SCHEDULED) & (Job.run_at < late)),
        "not_published": _count_unpublished(session, lists, late=late),
        "not_admitted": count_unadmitted(session, for_=CHECK_TIMEOUT),
        "lost": _count_lost(session, lists, now=now),
        "lease_ended": _count(session, in_state(State.RUNNING) & (Job.lease_until < late)),
    }


def _count(session: Session, condition: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Job).where(condition)) or 0


def _count_unpublished(session: Session, lists: Sequence[BrokerList] | None, *, late: datetime) -> int:
    if lists is None:
        return _count(session, in_state(State.READY) & WAITING & (Job.run_at < late))
    with_room = tuple((found.queue, found.step) for found in lists if found.room)
    return _sum(session, _unpublished, dict.fromkeys(with_room, late))


def _count_lost(session: Session, lists: Sequence[BrokerList] | None, *, now: datetime) -> int:
    patience = timedelta(seconds=settings().lost_after_seconds) + CHECK_TIMEOUT
    before: dict[Place, datetime] = {}
    for found in lists or ():
        if found.length and found.oldest is None:
            continue  # what it holds cannot be told
        oldest = now if found.oldest is None else now.fromtimestamp(found.oldest, tz=now.tzinfo)
        before[found.queue, found.step] = min(now, oldest) - patience
    return _sum(session, _published, before)


def _sum(session: Session, of_place: OfPlace, before: Mapping[Place, datetime]) -> int:
    """How many jobs of each place are from before its time."""
    if not before:
        return 0
    times = {_time_of(place): at for place, at in before.items()}
    return sum(session.execute(_counting(of_place, tuple(before)), times).one())


def _unpublished(place: Place) -> ColumnElement[bool]:
    return WAITING & (Job.run_at < bindparam(_time_of(place)))


def _published(place: Place) -> ColumnElement[bool]:
    return Job.published_at < bindparam(_time_of(place))


@lru_cache(maxsize=16)
def _counting(of_place: OfPlace, places: tuple[Place, ...]) -> Select[Any]:
    # Each for itself, so that its index goes to the few that fit: for all together, all that wait are read.
    # Made once: to put so many together takes longer than to answer them.
    conditions = (jobs_of(*place) & of_place(place) for place in places)
    return select(
        *(select(func.count()).select_from(Job).where(each).scalar_subquery() for each in conditions)
    )


def _time_of(place: Place) -> str:
    queue, step = place
    return f"{queue.value}_{step.name}"

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
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.db.clock import clock
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.states import in_state
from app.jobs.transitions.recover import WAITING
from app.jobs.transitions.unadmitted import count_unadmitted
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.jobs.transitions.recover import BrokerList

#: Beat acts within seconds; what is late by this much was forgotten.
CHECK_TIMEOUT = timedelta(seconds=30)


def count_overdue(session: Session, lists: Sequence[BrokerList] | None) -> dict[str, int]:
    """How many jobs are overdue, by reason; `lists` is what the broker holds, None when it is away."""
    now = session.execute(select(clock())).scalar_one()
    late = now - CHECK_TIMEOUT
    return {
        "not_promoted": _count(session, in_state(State.SCHEDULED) & (Job.run_at < late)),
        "not_published": _sum(session, [each & (Job.run_at < late) for each in _not_published(lists)]),
        "not_admitted": count_unadmitted(session, for_=CHECK_TIMEOUT),
        "lost": _sum(session, _lost(lists, now=now)),
        "lease_ended": _count(session, in_state(State.RUNNING) & (Job.lease_until < late)),
    }


def _count(session: Session, condition: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(Job).where(condition)) or 0


def _sum(session: Session, conditions: Sequence[ColumnElement[bool]]) -> int:
    """How many jobs fit one of the conditions, of which no two fit the same."""
    if not conditions:
        return 0
    # Each for itself, so that its index goes to the few that fit: for all together, all that wait are read.
    counts = (select(func.count()).select_from(Job).where(each).scalar_subquery() for each in conditions)
    return sum(session.execute(select(*counts)).one())


def _not_published(lists: Sequence[BrokerList] | None) -> list[ColumnElement[bool]]:
    if lists is None:
        return [in_state(State.READY) & WAITING]
    return [found.jobs & WAITING for found in lists if found.room]


def _lost(lists: Sequence[BrokerList] | None, *, now: datetime) -> list[ColumnElement[bool]]:
    patience = timedelta(seconds=settings().lost_after_seconds) + CHECK_TIMEOUT
    gone: list[ColumnElement[bool]] = []
    for found in lists or ():
        if found.length and found.oldest is None:
            continue  # what it holds cannot be told
        oldest = now if found.oldest is None else now.fromtimestamp(found.oldest, tz=now.tzinfo)
        gone.append(found.jobs & (Job.published_at < min(now, oldest) - patience))
    return gone

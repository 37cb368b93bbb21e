"""Held jobs that nobody admits, though their partitions have had room for a while: beat is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select

from app.db.clock import clock
from app.jobs.ledger import held, store
from app.jobs.ledger.models import Attempt, Job, State, Turn
from app.jobs.ledger.states import in_state
from app.jobs.publish.admission import BATCH, bounds_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from sqlalchemy.orm import Session


def count_unadmitted(session: Session, *, for_: timedelta) -> int:
    """How many held jobs have been due for so long, in partitions where nothing has moved meanwhile."""
    roomy = list(_with_room(session, for_=for_))
    return sum(_count(session, key, for_=for_) for key in roomy if not has_moved(session, key, for_=for_))


def _with_room(session: Session, *, for_: timedelta) -> Iterator[str]:
    """The partitions that have room, and whose rates have left some all the while."""
    connection, after = store.under(session), ""
    while keys := held.keys(connection, after=after, limit=BATCH):
        # Those of a task that only a newer release knows are left to its beat.
        known = [bounds for key in keys if (bounds := bounds_of(key)) is not None]
        longer = [each._replace(window_seconds=each.window_seconds + for_.total_seconds()) for each in known]
        yield from held.rooms(connection, longer) if longer else ()
        after = keys[-1]


def has_moved(session: Session, key: str, *, for_: timedelta) -> bool:
    """Whether something of the partition began or ended just now: there may be room only since."""
    late = clock(-for_.total_seconds())
    signs = (
        exists().where(Job.partition == key, Job.started_at > late),
        exists().where(Job.partition == key, Job.finished_at > late),
        exists().where(Attempt.partition == key, Attempt.finished_at > late),
        exists().where(Turn.partition == key, Turn.taken_at > late),
    )
    return any(session.scalar(select(sign)) for sign in signs)


def _count(session: Session, key: str, *, for_: timedelta) -> int:
    late = clock(-for_.total_seconds())
    gone_back = exists().where(Attempt.job_id == Job.id, Attempt.finished_at > late)
    waits = in_state(State.READY) & Job.published_at.is_(None) & (Job.partition == key)
    due = func.coalesce(Job.run_at, Job.accepted_at) < late
    return session.scalar(select(func.count()).select_from(Job).where(waits, due, ~gone_back)) or 0

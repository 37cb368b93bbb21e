"""Tells people something at an hour of their own clock: once for each of them, occasion and day.

Whatever runs this runs it often, because that hour comes at many moments. What was told is not told again,
and what an outage delayed is told in the rest of the person's day.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.accounts.service import clocks
from app.domains.notifications.service import known_keys, notify_all
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date, datetime, time

    from sqlalchemy import ColumnElement, Subquery
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.notifications.facts import Notice

#: People in one transaction.
CHUNK = 100


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What is told, to whom and when."""

    #: The hour from which on it is told.
    at: time
    #: Whether it is told on a day.
    is_on: Callable[[date], bool]
    #: Which users of `app.domains.accounts.service.clocks` it is for.
    whom: Callable[[Subquery], ColumnElement[bool]]
    #: The key under which a user is told on a day, by the user's id.
    key: Callable[[int, date], str]
    #: What those of the users are told who need it; the moment is now by their clock.
    notices: Callable[[Session, Sequence[int], datetime], Iterable[Notice]]
    #: Takes what is new to where notifications do not go.
    carry: Callable[[Session, Sequence[Notice]], None] | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a run did: the people it looked at who were not told yet, and those it told."""

    looked_at: int = 0
    sent: int = 0


def tell(
    session: Session, occasion: Occasion, *, now: datetime, commit: Checkpoint, chunk: int = CHUNK
) -> Told:
    """Tell all whose hour has come; `commit` ends the transaction of each chunk."""
    done = Told()
    for zone in _zones(session, occasion):
        here = local_time(now, timezone=zone)
        if here.time() < occasion.at or not occasion.is_on(here.date()):
            continue
        after = 0
        while user_ids := _next(session, occasion, zone=zone, after=after, limit=chunk):
            untold = _untold(session, occasion, user_ids, today=here.date())
            notices = list(occasion.notices(session, untold, here)) if untold else []
            told = notify_all(session, notices, now=now)
            if occasion.carry is not None:
                occasion.carry(session, [notice for notice in notices if notice.key in told.new])
            done = Told(looked_at=done.looked_at + len(untold), sent=done.sent + len(told.new))
            after = user_ids[-1]
            commit(asdict(done))
    return done


def _zones(session: Session, occasion: Occasion) -> Sequence[str]:
    clock = clocks()
    zones = select(clock.c.timezone).where(*_are_told(occasion, clock)).distinct()
    return session.scalars(zones.order_by(clock.c.timezone)).all()


def _next(session: Session, occasion: Occasion, *, zone: str, after: int, limit: int) -> Sequence[int]:
    clock = clocks()
    statement = select(clock.c.user_id).where(
        clock.c.user_id > after, clock.c.timezone == zone, *_are_told(occasion, clock)
    )
    return session.scalars(statement.order_by(clock.c.user_id).limit(limit)).all()


def _are_told(occasion: Occasion, clock: Subquery) -> tuple[ColumnElement[bool], ...]:
    # Somebody who may not sign in could do nothing about it.
    return (clock.c.disabled_at.is_(None), occasion.whom(clock))


def _untold(session: Session, occasion: Occasion, user_ids: Sequence[int], *, today: date) -> Sequence[int]:
    keys = {user_id: occasion.key(user_id, today) for user_id in user_ids}
    told = known_keys(session, list(keys.values()))
    return [user_id for user_id, key in keys.items() if key not in told]

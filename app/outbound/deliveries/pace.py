"""Keeps what all workers together ask one provider below its limit, for jobs that ask more than once.

A job that makes one call each time it runs does not wait here: see `app.outbound.deliveries.turns`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.clock import clock
from app.db.clock import now as db_now
from app.db.upsert import insert_or_update
from app.outbound.deliveries.models import Pace

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MINUTE = timedelta(minutes=1)


def reserve(session: Session, name: str, *, per_minute: int) -> timedelta:
    """Take the next turn of `name`; the answer is how long to wait for it once the session has committed.

    Turns lie evenly apart and nobody saves them up, so there is no burst. A process that takes one turn
    at a time waits for as many turns as there are processes, at most.
    """
    session.execute(
        insert_or_update(session, Pace).values(name=name, next_at=clock()).on_conflict_do_nothing()
    )
    pace = session.scalars(
        select(Pace).where(Pace.name == name).with_for_update().execution_options(populate_existing=True)
    ).one()
    now = db_now(session)
    turn = max(pace.next_at, now)
    pace.next_at = turn + MINUTE / per_minute
    session.flush()
    return turn - now

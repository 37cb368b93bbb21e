"""For how long the oldest job of each queue has waited."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from app.db.clock import clock
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.states import NOT_HELD, in_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

#: How many of those that wait are looked at: the ones that were accepted first.
MAX_AGES = 1_000


@dataclass(frozen=True, kw_only=True)
class Ages:
    """For how long the oldest job of each queue has waited, in seconds."""

    by_queue: Mapping[str, float]
    #: No job that was not looked at has waited for longer; None where all were.
    others: float | None

    def of(self, queue: str) -> tuple[float, bool]:
        """For how long, and whether it may be less: its own may not have been looked at."""
        age = self.by_queue.get(queue, 0.0)
        if self.others is None or age >= self.others:
            return age, False
        return self.others, True


def ages(session: Session) -> Ages:
    """For how long jobs have waited that are not held."""
    rows = session.execute(_first(MAX_AGES)).all()
    by_queue = {queue: max((at - since).total_seconds(), 0.0) for queue, _, _, since, at in rows}
    is_all = sum(row[1] for row in rows) < MAX_AGES
    others = None if is_all else min(max((at - last).total_seconds(), 0.0) for _, _, last, _, at in rows)
    return Ages(by_queue=by_queue, others=others)


@lru_cache(maxsize=2)
def _first(most: int) -> Select[Any]:
    since = func.coalesce(Job.run_at, Job.accepted_at).label("since")
    first = select(Job.queue, Job.accepted_at, since).where(in_state(State.READY), NOT_HELD)
    some = first.order_by(Job.accepted_at).limit(most).subquery()
    counts = (func.count(), func.max(some.c.accepted_at), func.min(some.c.since), clock())
    return select(some.c.queue, *counts).group_by(some.c.queue)

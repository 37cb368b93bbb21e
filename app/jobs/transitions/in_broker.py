"""Which ready jobs have their message in a list of the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.states import in_state
from app.topology import Priority

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from app.topology import Queue


def jobs_of(queue: Queue, step: Priority) -> ColumnElement[bool]:
    """The ready jobs whose messages belong into a list."""
    above = [other.value for other in Priority if other > step]
    # One by one, so that an index goes on to the times behind each.
    urgency = Job.priority.in_(range(step, min(above))) if above else Job.priority >= step.value
    return in_state(State.READY) & (Job.queue == queue.value) & urgency


def oldest_by_count(queue: Queue, step: Priority, length: int) -> float | None:
    """When the oldest message of a list was published that is a job's, where only its length is known.

    A list is first in, first out, so what it holds is what was published last: of so many ready jobs at most
    as it has messages. Those of non-durable tasks and duplicates count as jobs', so that a lost job may wait
    until they are taken; none is sent again that is in the list, unless younger ones were lost.
    """
    if not length:
        return None
    published = select(Job.published_at).where(jobs_of(queue, step), Job.published_at.is_not(None))
    with reading() as session:
        found = session.scalar(published.order_by(Job.published_at.desc()).offset(length - 1).limit(1))
    return found.timestamp() if found else 0.0

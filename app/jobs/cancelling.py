"""Cancelling many: all waiting jobs that a filter fits, or that Celery's `purge` is to remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, literal, select, update

from app.db.clock import clock, now
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job, State
from app.jobs.listing import conditions
from app.jobs.transitions.dependents import cancel_dependents
from app.jobs.views import JobFilter
from app.topology import Queue

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

#: So many jobs are cancelled in one transaction.
BATCH = 500
WAITING = (State.SCHEDULED, State.READY)


class Cancelled(NamedTuple):
    """How many jobs were cancelled, and how many of them had a message in the broker."""

    jobs: int
    published: int


def count_waiting(session: Session, *, filters: JobFilter) -> int:
    """How many waiting jobs `filters` fit."""
    return session.scalars(select(func.count()).where(*conditions(filters, states=WAITING))).one()


def cancel_waiting(
    session: Session,
    *,
    filters: JobFilter,
    accepted_before: datetime,
    limit: int,
    reason: str,
    within: Collection[str] | None = None,
    states: Sequence[State] = WAITING,
) -> Cancelled:
    """Cancel up to `limit` of the waiting jobs that `filters` fit, the oldest first; of tasks `within` only.

    Jobs accepted after `accepted_before` are left, so that a caller who repeats this comes to an end.
    """
    chosen = select(Job.id, Job.published_at).where(*conditions(filters, states=states))
    chosen = chosen.where(Job.accepted_at <= accepted_before)
    if within is not None:
        chosen = chosen.where(Job.task.in_(within))
    chosen = chosen.order_by(Job.accepted_at, Job.id).limit(limit)
    # Whoever writes a row that names a job, such as one of its log, is not in the way.
    chosen = chosen.with_for_update(skip_locked=True, key_share=True)
    return _cancel(session, chosen, reason=reason)


def _cancel(session: Session, chosen: Select[Any, Any], *, reason: str) -> Cancelled:
    published = {job_id: sent is not None for job_id, sent in session.execute(chosen)}
    ids = cancel_those_waiting(session, list(published), reason=reason)
    return Cancelled(len(ids), sum(published[job_id] for job_id in ids))


def cancel_those_waiting(session: Session, ids: Sequence[str], *, reason: str) -> Sequence[str]:
    """Cancel those of the jobs that wait; which they are."""
    gone = {"state": State.CANCELLED.value, "finished_at": clock(), "published_at": None, "error": reason}
    waiting = update(Job).where(Job.id.in_(ids), Job.state.in_(WAITING)).returning(Job.id)
    cancelled = session.scalars(waiting.values(**gone)).all()
    cancel_dependents(session, job_ids=cancelled, reason=reason)
    return cancelled


def discard_dead(session: Session, ids: Sequence[str], *, reason: str) -> Sequence[str]:
    """Cancel those of the jobs that are dead; which they are. What they died of is kept behind `reason`.

    Who waited for them was told when they died.
    """
    error = literal(f"{reason}. It was dead: ") + func.coalesce(Job.error, "no error is known")
    gone = {"state": State.CANCELLED.value, "finished_at": clock(), "error": error}
    dead = update(Job).where(Job.id.in_(ids), Job.state == State.DEAD).returning(Job.id)
    return session.scalars(dead.values(**gone).execution_options(synchronize_session=False)).all()


def cancel_in_batches(
    filters: JobFilter, *, reason: str, limit: int | None = None, within: Collection[str] | None = None
) -> Cancelled:
    """Cancel what `filters` fit as of now, up to `limit`, in transactions of its own."""
    with reading() as session:
        began = now(session)
    total = Cancelled(0, 0)
    while True:
        batch = BATCH if limit is None else min(BATCH, limit - total.jobs)
        with transaction() as session:
            found = cancel_waiting(
                session, filters=filters, accepted_before=began, limit=batch, reason=reason, within=within
            )
        total = Cancelled(total.jobs + found.jobs, total.published + found.published)
        if found.jobs < batch or total.jobs == limit:
            return total


def purge(queue: str) -> Cancelled:
    """Cancel all waiting jobs of a queue: without its rows, a message that is removed would come again."""
    if queue not in [known.value for known in Queue]:
        return Cancelled(0, 0)
    filters = JobFilter.model_construct(
        task=None, queue=queue, accepted_after=None, accepted_before=None, error=None
    )
    return cancel_in_batches(filters, reason="purged")

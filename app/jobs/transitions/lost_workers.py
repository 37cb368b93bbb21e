"""What is done for a worker that is no more: the jobs it holds go to others, at once.

It knows a worker by the name under which it holds leases. Whatever is done here may be done by several at
once; what a process of the lost worker still writes afterwards is refused by the fence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import structlog
from sqlalchemy import exists, select, true, update

from app.db import outages
from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job, State, Worker
from app.jobs.transitions import apply, deaths, dependents, rules
from app.jobs.transitions.deaths import Death

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement

log = structlog.get_logger(__name__)

#: Heartbeats that a worker may miss. One that says of none how often it beats is known by its leases alone.
MISSED_BEATS = 3
#: Jobs of one worker that are seen to at once.
BATCH = 1000
SILENT = Worker.beat_seconds.is_not(None) & (Worker.seen_at < clock(-MISSED_BEATS * Worker.beat_seconds))


class Ending(NamedTuple):
    """What was found of a worker whose process has ended."""

    #: Jobs that it held.
    jobs: int
    #: Whether this ledger has ever heard of it.
    is_known: bool


def end_dead(worker: str, *, between: Callable[[], None]) -> Ending:
    """Do it for a worker whose process has ended; `between` is called after each job."""
    with transaction() as session:
        # The row stays for a while: a claim may still have been on its way.
        left = update(Worker).where(Worker.name == worker).values(signed_off=True)
        is_known = session.scalar(left.returning(Worker.name)) is not None
    error = f"WorkerDied: The process of {worker} ended before the job did."
    jobs = _held_by(worker)
    for job in jobs:
        end_lease(job, error=error, while_=true())
        between()
    return Ending(jobs=len(jobs), is_known=is_known)


def end_silent() -> None:
    """Do it for each worker that holds jobs and was not heard of for so long that it is given up."""
    with reading() as session:
        silent = session.execute(select(Worker.name, MISSED_BEATS * Worker.beat_seconds).where(SILENT)).all()
    for worker, seconds in silent:
        error = f"LeaseEnded: {worker} sent no heartbeat for {seconds:g} s."
        for job in _held_by(worker):
            end_lease(job, error=error, while_=exists().where(Worker.name == worker, SILENT))


def _held_by(worker: str) -> Sequence[Job]:
    held = select(Job).where(Job.state == State.RUNNING, Job.worker == worker)
    with reading() as session:
        return session.scalars(held.order_by(Job.started_at).limit(BATCH)).all()


def end_lease(job: Job, *, error: str, while_: ColumnElement[bool]) -> None:
    """End the lease of a job, `while_` that is so. What goes wrong with it keeps no other waiting."""
    try:
        _end_lease(job, error=error, while_=while_)
    except Exception as problem:
        if outages.is_away(problem):
            raise
        log.exception("lease_not_ended", job_id=job.id)


def _end_lease(job: Job, *, error: str, while_: ColumnElement[bool]) -> None:
    transition = rules.lost(task=job.task, attempt=job.attempt, max_attempts=job.max_attempts, error=error)
    guard = apply.held_with(job_id=job.id, fence=job.fence) & while_
    with transaction() as session:
        if not apply.end_attempt(session, job_id=job.id, guard=guard, transition=transition):
            return
        if transition.state is State.DEAD:
            dependents.fail_dependents(session, job=job, error=RuntimeError(error))
    log.warning("lease_ended", job_id=job.id, worker=job.worker, next=transition.state.value)
    if transition.state is State.DEAD:
        deaths.tell(Death.of(job, error=error))

"""How an attempt ends in any other way than done: the job's next state and the record of the attempt."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import insert, literal, select, update

from app.db import outages
from app.db.clock import clock
from app.jobs.ledger.encoding import MAX_TRACEBACK
from app.jobs.ledger.encoding import text as as_text
from app.jobs.ledger.models import Attempt, Job, Outcome, State
from app.jobs.ledger.states import is_still
from app.jobs.publish.outbox import publish_after_commit, publish_later

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.jobs.ledger.new_job import NewJob

log = structlog.get_logger(__name__)

#: What the record of an attempt takes over from the job's row.
_OF_ATTEMPT = ("fence", "worker", "release", "partition", "started_at")


@dataclass(frozen=True, kw_only=True)
class Transition:
    """What becomes of a job whose attempt ended."""

    outcome: Outcome
    state: State
    error: str | None = None
    traceback: str | None = None
    #: The exception as Celery's result clients read it.
    result: Any = None
    #: When it runs again, for `State.SCHEDULED`: so many seconds from now, or at a moment.
    delay_seconds: float = 0.0
    run_at: datetime | None = None
    #: False gives the attempt back: a worker that stops has not failed.
    counts: bool = True
    #: Among whose jobs it waits for its turn from now on.
    partition: str | None = None
    #: New arguments or a new task, for a job that was retried with others or replaced.
    moved: NewJob | None = None


def held_with(*, job_id: str, fence: int) -> ColumnElement[bool]:
    """The job, while the attempt with `fence` holds it."""
    return (Job.id == job_id) & (Job.fence == fence) & is_still(State.RUNNING)


def held_by(*, job_id: str, worker: str) -> ColumnElement[bool]:
    """The job, while `worker` holds it."""
    return (Job.id == job_id) & (Job.worker == worker) & is_still(State.RUNNING)


def end_attempt(session: Session, *, job_id: str, guard: ColumnElement[bool], transition: Transition) -> bool:
    """Record the attempt and give the job its next state; False when `guard` no longer holds."""
    session.execute(_record(guard, transition))
    changed = update(Job).where(guard).values(**_next(transition)).returning(Job.partition)
    row = session.execute(changed).one_or_none()
    if row is None:
        return False
    if transition.state is State.READY:
        publish_after_commit(session, [job_id])
    elif row.partition is not None:
        publish_later(session, (), partitions=[row.partition])
    return True


@contextmanager
def savepoint(session: Session, *, job_id: str, what: str) -> Iterator[None]:
    """Do one of the things that an end entails: what goes wrong in it must not undo the end itself."""
    try:
        with session.begin_nested():
            yield
    except Exception as error:
        if outages.is_transient(error):
            raise
        log.exception("end_not_passed_on", job_id=job_id, to=what)


def _record(guard: ColumnElement[bool], transition: Transition) -> Any:
    row = select(
        Job.id,
        *(getattr(Job, name) for name in _OF_ATTEMPT),
        clock(),
        literal(transition.outcome.value),
        literal(transition.error and as_text(transition.error)),
        literal(transition.traceback and as_text(transition.traceback, limit=MAX_TRACEBACK)),
    ).where(guard)
    # A worker's main process and its child may both report the end: the second waits and finds no such job.
    row = row.with_for_update(key_share=True)
    columns = ["job_id", *_OF_ATTEMPT, "finished_at", "outcome", "error", "traceback"]
    return insert(Attempt).from_select(columns, row)


def _next(transition: Transition) -> dict[str, Any]:
    terminal = transition.state.is_terminal
    values: dict[str, Any] = {
        "state": transition.state.value,
        "lease_until": None,
        "published_at": None,
        "finished_at": clock() if terminal else None,
        "error": transition.error and as_text(transition.error),
        "result": transition.result,
    }
    if transition.state is State.SCHEDULED:
        values["run_at"] = transition.run_at or clock(transition.delay_seconds)
    if not transition.counts:
        values["attempt"] = Job.attempt - 1
    if transition.partition is not None:
        values["partition"] = transition.partition
    if transition.moved:
        values |= transition.moved.work()
    return values

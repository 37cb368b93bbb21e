"""What became of jobs, as Celery's result stores hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery.exceptions import TaskRevokedError
from sqlalchemy import select

from app.jobs.celery.celery_states import result_of, state_of
from app.jobs.celery.results import children_of
from app.jobs.ledger import encoding
from app.jobs.ledger.models import Attempt, Job, State
from app.jobs.ledger.seal import mask

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class Child:
    """A job that another one has queued."""

    tuple: Any

    def as_tuple(self) -> Any:
        """As Celery writes results."""
        return self.tuple


@dataclass(frozen=True, kw_only=True)
class Ending:
    """One final result. `group`, `parent_id` and `children` are called so because Celery asks for them."""

    id: str
    fence: int
    state: str
    result: Any
    traceback: str | None
    date_done: datetime
    group: str | None
    parent_id: str | None
    children: list[Child]


def endings(session: Session, job_ids: Collection[str]) -> list[Ending]:
    """The final results of those of the jobs that have ended and are still there."""
    jobs = session.scalars(select(Job).where(Job.id.in_(job_ids), Job.finished_at.is_not(None))).all()
    dead = [job.id for job in jobs if job.state == State.DEAD]
    rows = select(Attempt.job_id, Attempt.traceback).where(Attempt.job_id.in_(dead)).order_by(Attempt.fence)
    # Of several attempts of a job, the last one is kept.
    tracebacks = {row.job_id: row.traceback for row in session.execute(rows)} if dead else {}
    return [
        Ending(
            id=job.id,
            fence=job.fence,
            state=state_of(job),
            result=_result_of(job),
            traceback=tracebacks.get(job.id),
            date_done=job.finished_at,
            group=job.group_id,
            parent_id=(job.options or {}).get("parent_id"),
            children=[Child(tuple=child) for child in children_of(session, job)],
        )
        for job in jobs
        if State(job.state).is_terminal and job.finished_at is not None
    ]


def _result_of(job: Job) -> Any:
    if job.state == State.CANCELLED:
        return encoding.exception(TaskRevokedError(job.error))
    return mask(result_of(job))

"""What operators do with jobs: look, list, retry, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select, update

from app.db.clock import clock
from app.errors import Conflict, NotFound
from app.jobs.declaration import registry
from app.jobs.errors import UnknownTask
from app.jobs.ledger.models import Attempt, Job, Outcome, State
from app.jobs.ledger.seal import MASK, mask
from app.jobs.ledger.states import is_still
from app.jobs.listing import conditions
from app.jobs.publish.outbox import publish_after_commit
from app.jobs.transitions import rules
from app.jobs.transitions.apply import end_attempt
from app.jobs.transitions.dependents import cancel_dependents
from app.jobs.views import AttemptView, JobDetail, JobSummary
from app.jobs.waits.why import why

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.jobs.views import JobFilter

#: So many jobs are brought back in one transaction.
RETRY_BATCH = 500
REVIVABLE = (State.DEAD, State.CANCELLED)


class JobNotFound(NotFound):
    """Raised for an id that is no job's."""

    code = "job_not_found"

    def __init__(self, *, job_id: str) -> None:
        super().__init__(
            f'There is no job "{job_id[:64]}". It was never accepted, or was finished and pruned.'
        )


class JobStateConflict(Conflict):
    """Raised when a job's state does not allow what was asked."""

    code = "job_state_conflict"

    def __init__(self, *, job_id: str, state: str, wanted: str) -> None:
        super().__init__(f"Job {job_id} is {state}; {wanted}.")


def find_job(session: Session, *, job_id: str) -> Job:
    """The job with that id. Raises `JobNotFound`."""
    job = session.get(Job, job_id, populate_existing=True)
    if job is None:
        raise JobNotFound(job_id=job_id)
    return job


def is_running(session: Session, *, job_id: str | None) -> bool:
    """Whether a worker runs the job now, under a lease that holds."""
    running = select(Job.id).where(Job.id == job_id, is_still(State.RUNNING), Job.lease_until > clock())
    return session.scalar(running) is not None


def is_under_way(session: Session, *, job_id: str | None) -> bool:
    """Whether the job runs now, or goes on by itself as soon as it is its turn."""
    waits = select(Job.id).where(Job.id == job_id, is_still(State.READY), Job.partition.is_not(None))
    return is_running(session, job_id=job_id) or session.scalar(waits) is not None


def detail_of(session: Session, *, job_id: str, asks_broker: bool = True) -> JobDetail:
    """All that is known of a job, for a person's eyes; `asks_broker` not in a transaction that writes."""
    job = find_job(session, job_id=job_id)
    ended = session.scalars(select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.fence))
    attempts = [AttemptView.model_validate(attempt) for attempt in ended]
    if job.state in (State.RUNNING, State.DONE) and job.started_at is not None:
        attempts.append(_last_attempt(job))
    summary, wait = JobSummary.model_validate(job), why(session, job, asks_broker=asks_broker)
    return JobDetail.model_validate(
        {
            **{name: getattr(summary, name) for name in JobSummary.model_fields},
            "group_id": job.group_id,
            "context": job.context,
            "waits_for": wait and wait.sentence,
            "wait_cause": wait and wait.cause,
            "wait_figures": wait and wait.figures,
            "arguments": arguments_of(job),
            "result": job.result if job.state == State.DONE else None,
            "attempts": attempts,
        }
    )


def _last_attempt(job: Job) -> AttemptView:
    """The attempt that the job's own row describes."""
    return AttemptView(
        fence=job.fence,
        worker=job.worker,
        release=job.release,
        started_at=job.started_at,
        finished_at=job.finished_at,
        outcome=Outcome.DONE if job.state == State.DONE else None,
    )


def arguments_of(job: Job) -> dict[str, Any]:
    """A job's arguments by name, sensitive ones masked; nameless ones under `*`."""
    if not isinstance(job.kwargs, dict) or not isinstance(job.args, list):
        return {"*": job.args, "**": job.kwargs}
    named: dict[str, Any] = {**job.kwargs, **({"*": job.args} if job.args else {})}
    sensitive: frozenset[str] = frozenset()
    try:
        spec = registry.spec_of(job.task)
        sensitive = spec.sensitive
        named = spec.named(job.args, job.kwargs)
    except (UnknownTask, TypeError):
        pass  # a task of another release: the arguments are shown as they were given
    return {name: MASK if name in sensitive else mask(value) for name, value in named.items()}


def retry_job(session: Session, *, job_id: str) -> Job:
    """Make a dead or cancelled job ready again, with all its attempts before it."""
    if not _revive(session, select(Job.id).where(Job.id == job_id)):
        job = find_job(session, job_id=job_id)
        wanted = "only dead and cancelled jobs can be retried"
        if job.state in REVIVABLE:
            wanted = "it waits for the job before it in its chain, so retry that one"
        raise JobStateConflict(job_id=job_id, state=job.state, wanted=wanted)
    return find_job(session, job_id=job_id)


def retry_dead(
    session: Session,
    *,
    filters: JobFilter,
    dead_before: datetime,
    limit: int,
    within: Collection[str] | None = None,
) -> int:
    """Bring back up to `limit` of the dead jobs that `filters` fit, the oldest first; of tasks `within` only.

    Jobs that died after `dead_before` are left, so that a caller who repeats this comes to an end.
    """
    chosen = select(Job.id).where(*conditions(filters, states=[State.DEAD]), Job.finished_at <= dead_before)
    if within is not None:
        chosen = chosen.where(Job.task.in_(within))
    return _revive(session, chosen.order_by(Job.accepted_at, Job.id).limit(limit))


def _revive(session: Session, chosen: Select[str]) -> int:
    # A row without `run_at` was made for a link of a chain: it gets its arguments from the link before.
    return len(revive(session, session.scalars(chosen.where(Job.run_at.is_not(None))).all()))


def revive(session: Session, ids: Sequence[str]) -> Sequence[str]:
    """Make those of the jobs ready again that are dead or cancelled; which they are."""
    fresh = {
        "state": State.READY.value,
        # Attempts are counted anew; the fence goes on growing, so old ones stay refused.
        "attempt": 0,
        "run_at": clock(),
        "published_at": None,
        "expires_at": None,
        "finished_at": None,
        "error": None,
        "result": None,
        "progress": None,
    }
    again = update(Job).where(Job.id.in_(ids), Job.state.in_(REVIVABLE)).returning(Job.id)
    revived = session.scalars(again.values(**fresh)).all()
    publish_after_commit(session, revived)
    return revived


def cancel_job(session: Session, *, job_id: str, reason: str) -> bool:
    """Cancel a job that is not finished; True when it was running, so that its worker can be told.

    A running one loses its lease with this: whatever its worker still does is rolled back.
    """
    waiting = Job.state.in_((State.SCHEDULED, State.READY))
    cancelled = update(Job).where(Job.id == job_id, waiting).returning(Job.id)
    values = {"state": State.CANCELLED.value, "finished_at": clock(), "published_at": None, "error": reason}
    if session.scalar(cancelled.values(**values)):
        cancel_dependents(session, job_ids=[job_id], reason=reason)
        return False
    held = (Job.id == job_id) & is_still(State.RUNNING)
    if end_attempt(session, job_id=job_id, guard=held, transition=rules.cancelled(reason)):
        cancel_dependents(session, job_ids=[job_id], reason=reason)
        return True
    job = find_job(session, job_id=job_id)
    raise JobStateConflict(job_id=job_id, state=job.state, wanted="only unfinished jobs can be cancelled")

"""Ends that the worker's main process reports: it sees children die, and is told to stop.

It knows a job by its worker, not by its fence. It must not wait for the database, for it serves all its
children: what cannot be written now is written by the heartbeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.exceptions import Reject, TimeLimitExceeded
from sqlalchemy import update

from app.db.clock import clock
from app.db.sessions import transaction
from app.jobs.celery import compat
from app.jobs.celery.heartbeat import holder
from app.jobs.ledger.encoding import sentence
from app.jobs.ledger.models import Job, State
from app.jobs.transitions import apply, deferred_ends, dependents, rules

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.jobs.transitions.apply import Transition
    from app.jobs.transitions.recording import AfterDeath


def end(
    job_id: str,
    transition: Transition,
    *,
    request: Any,
    exc: Any = None,
    after_death: AfterDeath | None = None,
    is_lost: bool = False,
) -> None:
    """Write the end of what this worker holds under that id; one whose process `is_lost` may run again."""
    if request is None or not request.hostname:
        return
    tries = 0

    def write() -> None:
        nonlocal tries
        tries += 1
        # A child that waits for the database has nothing to do with the time that takes.
        waited = tries > 1 and isinstance(exc, TimeLimitExceeded)
        to_write = rules.released() if waited else transition
        _write(job_id, to_write, request=request, exc=exc, after_death=after_death, is_lost=is_lost)

    def write_failure(error: Exception) -> None:
        _write(job_id, rules.dead(sentence(error)), request=request)

    deferred_ends.write(write, job_id=job_id, otherwise=write_failure)


def end_failed(
    job_id: str, transition: Transition, *, request: Any, exc: Any, after_death: AfterDeath
) -> None:
    """Write the end of a job whose process died or was ended; of one that runs again where that is due."""
    if compat.ends_cold():
        transition = rules.released()
    is_lost = not isinstance(exc, Reject)
    end(job_id, transition, request=request, exc=exc, after_death=after_death, is_lost=is_lost)


def cancel(job_id: str, reason: str, *, request: Any) -> None:
    """Cancel a job, whether it waits or this worker runs it."""
    deferred_ends.write(lambda: _cancel_waiting(job_id, reason), job_id=job_id)
    end(job_id, rules.cancelled(reason), request=request)


def _write(
    job_id: str,
    transition: Transition,
    *,
    request: Any,
    exc: Any = None,
    after_death: AfterDeath | None = None,
    is_lost: bool = False,
) -> None:
    guard = apply.held_by(job_id=job_id, worker=holder(request.hostname))
    # Meanwhile the job may have been given to another child.
    guard &= Job.attempt == (request.retries or 0) + 1
    with transaction() as session:
        if transition.state is State.DEAD and is_lost:
            transition = _lost(session, job_id, transition, exc)
        ended = apply.end_attempt(session, job_id=job_id, guard=guard, transition=transition)
        if ended and transition.state is State.DEAD and after_death is not None:
            after_death(session, request, exc)
        elif ended and transition.state is State.CANCELLED:
            dependents.cancel_dependents(session, job_ids=[job_id], reason=transition.error or "")


def _lost(session: Session, job_id: str, transition: Transition, exc: Any) -> Transition:
    job = session.get(Job, job_id)
    if job is None:
        return transition
    ended = isinstance(exc, TimeLimitExceeded) and rules.cut_off(
        task=job.task, seconds=exc.args[0], result=transition.result
    )
    return ended or rules.lost(
        task=job.task,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        error=transition.error or "",
        result=transition.result,
    )


def _cancel_waiting(job_id: str, reason: str) -> None:
    waiting = Job.state.in_([State.SCHEDULED, State.READY])
    gone = {"state": State.CANCELLED, "error": reason, "finished_at": clock()}
    with transaction() as session:
        ids = session.scalars(update(Job).where(Job.id == job_id, waiting).values(**gone).returning(Job.id))
        dependents.cancel_dependents(session, job_ids=ids.all(), reason=reason)

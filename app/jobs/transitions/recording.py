"""Writes how an attempt ended, whatever stands in the way: no end is left to be found by its lease.

An end that cannot be written is itself recorded, at once and in a fresh transaction, with its cause. Two
things are no such failure: a database that is away is waited for, and a lost lease makes it another's job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import func, select

from app.db import outages
from app.db.sessions import transaction
from app.jobs.errors import BrokenTransaction, EndNotWritten, LeaseLost, NotJson, ReadOnlyTransaction
from app.jobs.ledger.encoding import exception, sentence
from app.jobs.ledger.models import Attempt, Outcome, State
from app.jobs.ledger.retrying import with_retry
from app.jobs.transitions import apply, attempt, rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from app.jobs.transitions.apply import Transition
    from app.jobs.transitions.attempt import RunningJob

    #: Tells those who wait for a dead job, in the transaction of its death.
    AfterDeath = Callable[[Session, Any, Any], None]

log = structlog.get_logger(__name__)

#: So often a job is interrupted for nothing. One more could be what brings the database down.
MAX_INTERRUPTIONS = 20
#: Of those, so many because the transaction was read-only; after a failover it is not so again and again.
MAX_READ_ONLY = 2


def record(job: RunningJob, transition: Transition, *, exc: Any, after_death: AfterDeath) -> None:
    """Write an end that undoes what the body did, and let go of the job."""
    job.close()
    try:
        with_retry(lambda: _write(job, lambda _: transition, exc=exc, after_death=after_death))
    except Exception as error:
        log.exception("end_not_written", job_id=job.id, outcome=transition.outcome.value)
        settle(job, error, after_death=after_death)
    attempt.end_current()


def settle(job: RunningJob, error: Exception, *, after_death: AfterDeath) -> None:
    """Record what `error`, which kept an end from being written, means for the job, and let go of it."""
    job.close()
    if isinstance(error, LeaseLost):
        log.warning("lease_lost", job_id=job.id, error=str(error))
    elif outages.is_outage(error) or outages.is_transient(error):
        with_retry(
            lambda: _write(
                job, lambda session: _interrupted(session, job, error), exc=error, after_death=after_death
            )
        )
    else:
        _record_failure(job, error, after_death=after_death)
    attempt.end_current()


def _record_failure(job: RunningJob, error: Exception, *, after_death: AfterDeath) -> None:
    cause = _cause(job, error)
    transition = rules.dead(sentence(cause), result=exception(cause))
    try:
        with_retry(lambda: _write(job, lambda _: transition, exc=cause, after_death=after_death))
    except Exception:
        # Nothing of what the job brought along is in this one; if it fails, the lease has to end.
        log.exception("end_not_written", job_id=job.id, outcome=transition.outcome.value)
        bare = rules.dead(type(error).__name__)
        with_retry(lambda: _write(job, lambda _: bare, exc=None, after_death=_nobody))


def _cause(job: RunningJob, error: Exception) -> Exception:
    if isinstance(error, NotJson):
        return error
    if outages.is_broken_transaction(error):
        return BrokenTransaction(sql_error=job.sql_error)
    return EndNotWritten(cause=sentence(error))


def _write(
    job: RunningJob, decide: Callable[[Session], Transition], *, exc: Any, after_death: AfterDeath
) -> None:
    guard = apply.held_with(job_id=job.id, fence=job.fence)
    with transaction() as session, job.working_in(session):
        transition = decide(session)
        if not apply.end_attempt(session, job_id=job.id, guard=guard, transition=transition):
            # An answer that was lost may have been a yes, and this a repetition.
            log.warning("lease_lost", job_id=job.id, outcome=transition.outcome.value)
        elif transition.state is State.DEAD:
            after_death(session, job.request, exc)


def _interrupted(session: Session, job: RunningJob, error: Exception) -> Transition:
    before = select(func.count()).where(
        Attempt.job_id == job.id, Attempt.outcome == Outcome.RELEASED, Attempt.error.is_not(None)
    )
    times = session.scalars(before).one()
    if outages.is_read_only(error):
        alike = session.scalars(before.where(Attempt.error == sentence(error))).one()
        if alike >= MAX_READ_ONLY:
            cause = ReadOnlyTransaction(sql_error=sentence(error))
            return rules.dead(sentence(cause), result=exception(cause))
    log.warning("job_interrupted", job_id=job.id, times=times + 1, error=sentence(error))
    if times < MAX_INTERRUPTIONS:
        return rules.interrupted(sentence(error), before=times)
    return rules.lost(
        task=job.request.task, attempt=job.attempt, max_attempts=job.max_attempts, error=sentence(error)
    )


def _nobody(*_: Any) -> None:
    """There is nobody to be told."""

"""Names the one cause for which a job waits.

What is asked is asked in the order in which it stands in the way: a job whose time has not come needs no
worker yet, and one that is not in the broker is not behind others there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from app.jobs.errors import UnknownTask
from app.jobs.ledger.models import TERMINAL, State
from app.jobs.pauses import service as pauses
from app.jobs.transitions.overdue import CHECK_TIMEOUT
from app.jobs.waits.causes import Cause, Figure, Wait, moment, span, wait
from app.jobs.waits.held_back import of_held
from app.jobs.waits.late import beat_away, of_beat, recovery_seconds, unknown_task
from app.jobs.waits.looks import Look
from app.jobs.waits.on_its_way import of_published, of_unpublished

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.jobs.ledger.models import Job
    from app.jobs.pauses.models import QueuePause


def why(session: Session, job: Job, *, asks_broker: bool = True) -> Wait | None:
    """Why a job does not run; None for one that does, or has ended.

    The broker may take as long to answer as a publication; who holds locks does without what it says.
    """
    if job.state in TERMINAL:
        return None
    if not _is_readable(job):
        return wait(Cause.UNREADABLE, "Its row has values that cannot be read: cancel it, or mend the row.")
    look = Look(session, job, asks_broker)
    match job.state:
        case State.SCHEDULED:
            found = _expired(look) or _of_scheduled(look)
        case State.READY:
            found = _expired(look) or _of_ready(look)
        case State.RUNNING:
            return _of_running(look)
        case _:
            return None
    return _with_end(found, job.expires_at)


def _is_readable(job: Job) -> bool:
    """Another release or a person's hand may have written it."""
    numbers = (job.priority, job.attempt)
    moments = (job.run_at, job.accepted_at, job.published_at, job.expires_at, job.lease_until)
    return all(isinstance(one, int) for one in numbers) and all(
        one is None or isinstance(one, datetime) for one in moments
    )


def _with_end(found: Wait, expires_at: datetime | None) -> Wait:
    if expires_at is None or found.cause is Cause.EXPIRED:
        return found
    sentence = f"{found.sentence[:-1]}, and it expires if it has not begun by {moment(expires_at)}."
    return replace(found, sentence=sentence, figures={**found.figures, "expires_at": expires_at})


def _expired(look: Look) -> Wait | None:
    ends = look.job.expires_at
    if ends is None or ends > look.now:
        return None
    sentence = f"It expired at {moment(ends)} before it began: beat cancels it within {recovery_seconds()} s."
    return wait(Cause.EXPIRED, sentence, expires_at=ends, within_seconds=recovery_seconds())


def _of_scheduled(look: Look) -> Wait:
    job = look.job
    if job.run_at is None:
        return wait(
            Cause.AFTER_OTHERS,
            "It waits for the jobs before it: those that lead to it in a chain, or have replaced it.",
        )
    if job.run_at > look.now:
        return _later(look, job.run_at)
    return of_beat(look, Cause.BECOMING_READY, "Its time has come: beat makes it ready at its next tick.")


def _later(look: Look, run_at: datetime) -> Wait:
    job, seconds = look.job, (run_at - look.now).total_seconds()
    figures: dict[str, Figure] = {"run_at": run_at, "seconds": round(seconds, 1)}
    if not job.attempt:
        sentence = f"It is due at {moment(run_at)}, in about {span(seconds)}."
        return wait(Cause.DUE_LATER, sentence, **figures)
    of = "" if job.max_attempts is None else f" of {job.max_attempts}"
    sentence = (
        f"Attempt {job.attempt}{of} did not succeed: the next one is due at {moment(run_at)}, "
        f"in about {span(seconds)}."
    )
    return wait(Cause.RETRIES_LATER, sentence, attempt=job.attempt, max_attempts=job.max_attempts, **figures)


def _of_ready(look: Look) -> Wait:
    job = look.job
    if not look.pools:
        sentence = f'No pool drains its queue "{job.queue}": cancel it, or run a release that has the queue.'
        return wait(Cause.UNKNOWN_QUEUE, sentence, queue=job.queue)
    if pause := pauses.find(look.session, job.queue):
        return _paused(pause)
    if job.published_at is not None:
        return unknown_task(look) if look.is_put_off else of_published(look, job.published_at)
    if job.partition is None:
        return of_unpublished(look)
    try:
        return of_held(look) or beat_away(look.late)
    except UnknownTask:
        return unknown_task(look)


def _paused(pause: QueuePause) -> Wait:
    until = f" until {moment(pause.until)}" if pause.until else ""
    sentence = (
        f'Its queue "{pause.queue}" is paused since {moment(pause.since)}{until}, '
        f"by {pause.paused_by}: {pause.reason.rstrip('.')}."
    )
    figures: dict[str, Figure | None] = {"since": pause.since, "until": pause.until, "by": pause.paused_by}
    return wait(Cause.PAUSED, sentence, queue=pause.queue, reason=pause.reason, **figures)


def _of_running(look: Look) -> Wait | None:
    job = look.job
    if job.lease_until is None or job.lease_until >= look.now:
        return None
    late = look.now - job.lease_until
    if late > CHECK_TIMEOUT:
        return beat_away(late)
    sentence = (
        f"Its worker {job.worker} was not heard of until {moment(job.lease_until)}: another gets it "
        f"within {recovery_seconds()} s."
    )
    return wait(Cause.WORKER_LOST, sentence, lease_until=job.lease_until, within_seconds=recovery_seconds())

"""Accepting: a job is a row in the caller's transaction, and is published after its commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kombu.utils import json
from sqlalchemy import or_, select, update

from app import db, outages
from app.jobs import outbox, store
from app.jobs.making import MAX_ARGUMENTS, new_job
from app.jobs.message import Dispatch
from app.jobs.models import Job, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.jobs.store import NewJob

__all__ = ["MAX_ARGUMENTS", "Accepted", "accept", "accept_alone", "new_job"]


class Accepted(NamedTuple):
    """The answer to one job: its id, and whether it is new or its key was known already."""

    id: str
    created: bool
    digest: str | None


def accept(session: Session, jobs: Sequence[NewJob]) -> list[Accepted]:
    """Insert `jobs` in the session's transaction; the answers come in the same order.

    A job whose key or id is known already is not accepted a second time; the answer names the first.
    """
    if not jobs:
        return []
    stored = store.accept(store.under(session), jobs)
    outbox.publish_later(session, _due(jobs, stored))
    if len(stored) == len(jobs):
        return [Accepted(job.id, True, job.digest) for job in jobs]
    return _with_known(session, jobs, new={row.id for row in stored})


def accept_alone(job: NewJob) -> str:
    """Accept one job in a transaction of its own, with as few round trips as that takes; gives its id."""
    stored = _insert_alone(job)
    outbox.publish_now(_due([job], stored))
    if stored:
        return job.id
    with db.transaction() as session:
        return accept(session, [job])[0].id


def _insert_alone(job: NewJob) -> list[store.Stored]:
    try:
        return store.accept(store.connection(), [job])
    except outages.ERRORS:
        if not store.close_if_lost():
            raise
        # The server was restarted since this thread's last job. The answer that was lost may have been a yes.
        return store.accept(store.connection(), [job._replace(fresh=False)])


def _with_known(session: Session, jobs: Sequence[NewJob], *, new: set[str]) -> list[Accepted]:
    """Answers where some jobs were known; the database waited for their first acceptance to commit."""
    repeated = [job for job in jobs if job.id not in new]
    keys, ids = [job.key for job in repeated if job.key], [job.id for job in repeated]
    rows = session.execute(
        select(Job.id, Job.key, Job.digest).where(or_(Job.key.in_(keys), Job.id.in_(ids)))
    ).all()
    by_key = {row.key: row for row in rows if row.key}
    by_id = {row.id: row for row in rows}
    answers, seen = [], set()
    for job in jobs:
        if job.id in new and job.id not in seen:
            seen.add(job.id)
            answers.append(Accepted(id=job.id, created=True, digest=job.digest))
            continue
        known = by_key.get(job.key) if job.key else None
        known = known or by_id[job.id]
        fill_waiting(session, job)
        answers.append(Accepted(id=known.id, created=False, digest=known.digest))
    return answers


def fill_waiting(session: Session, job: NewJob) -> None:
    """Give a row that was made in advance (the result of a chain or chord to come) its job."""
    waiting = (Job.state == State.SCHEDULED) & Job.run_at.is_(None)
    foretold_dead = (Job.state == State.DEAD) & (Job.fence == 0)
    filled = session.execute(
        update(Job)
        .where(Job.id == job.id, waiting | foretold_dead)
        .values(
            task=job.task,
            queue=job.queue,
            priority=job.priority,
            args=json.loads(job.args),
            kwargs=json.loads(job.kwargs),
            options=json.loads(job.options) if job.options else None,
            group_id=job.group_id,
            max_attempts=job.max_attempts,
            state=State.READY,
            run_at=Job.accepted_at,
            published_at=None,
            error=None,
            result=None,
            finished_at=None,
        )
        .returning(Job.id)
    ).scalar()
    if filled:
        outbox.publish_after_commit(session, [job.id])


def _due(jobs: Sequence[NewJob], stored: Sequence[store.Stored]) -> list[Dispatch]:
    """The messages of those jobs that are to be sent now."""
    rows = {row.id: row for row in stored if row.published is not None}
    return [_dispatch(job, row) for job in jobs if (row := rows.get(job.id))]


def _dispatch(job: NewJob, row: store.Stored) -> Dispatch:
    # By position: with a thousand jobs, naming the fields would take as long as encoding the messages.
    return Dispatch(
        job.id,
        job.task,
        job.queue,
        job.priority,
        job.args,
        job.kwargs,
        job.options,
        job.context,
        job.group_id,
        0,
        row.expires,
        row.published or 0.0,
    )

"""Accepting: a job is a row in the caller's transaction, and is published after its commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import or_, select, update

from app.db import outages
from app.db.sessions import transaction
from app.jobs import unique
from app.jobs.ledger import inserting, store
from app.jobs.ledger.models import Job, State
from app.jobs.publish import outbox, sent
from app.jobs.publish.admission import admit_now
from app.jobs.publish.message import Dispatch
from app.jobs.repeats import refuse_other

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.jobs.ledger.new_job import NewJob


class Accepted(NamedTuple):
    """The answer to one job: its id, and whether it is new or its key was known already."""

    id: str
    created: bool
    digest: str | None


def accept(session: Session, jobs: Sequence[NewJob]) -> list[Accepted]:
    """Insert `jobs` in the session's transaction; the answers come in the same order.

    A job whose key or id is known already is not accepted a second time, and neither is one of a unique task
    while another stands for it; the answer names the first.
    """
    if not jobs:
        return []
    others = unique.stand_ins(session, jobs) if any(job.unique for job in jobs) else {}
    if not others:
        return _accept(session, jobs)
    rest = [job for job in jobs if job.id not in others]
    accepted = _accept(session, rest) if rest else []
    answers = {job.id: answer for job, answer in zip(rest, accepted, strict=True)}
    return [answers.get(job.id) or Accepted(others[job.id], False, job.digest) for job in jobs]


def _accept(session: Session, jobs: Sequence[NewJob]) -> list[Accepted]:
    stored = inserting.insert(store.under(session), jobs)
    due = _due(jobs, stored)
    partitions = {job.partition for job in jobs if job.partition} if len(due) < len(jobs) else ()
    outbox.publish_later(session, due, partitions=partitions)
    if len(stored) == len(jobs):
        return [Accepted(job.id, True, job.digest) for job in jobs]
    return _with_known(session, jobs, new={row.id for row in stored})


def accept_alone(job: NewJob) -> str:
    """Accept one job in a transaction of its own, with as few round trips as that takes; gives its id."""
    answer = accept_at_once([job])[0] if job.unique is None else None
    return (answer or accept_again(job)).id


def accept_at_once(jobs: Sequence[NewJob]) -> list[Accepted | None]:
    """Accept jobs of as many callers in one transaction, with as few round trips as that takes.

    None stands for one whose key or id is known: what became of it, `accept_again` tells.
    """
    stored = _insert_at_once(jobs)
    outbox.publish_now(_due(jobs, stored))
    admit_now({job.partition for job in jobs if job.partition is not None})
    new = {row.id for row in stored}
    return [Accepted(job.id, True, job.digest) if job.id in new else None for job in jobs]


def accept_again(job: NewJob) -> Accepted:
    """Accept one job, or find what it became when it was accepted before, in a transaction of its own."""
    with transaction() as session:
        answer = accept(session, [job._replace(fresh=False)])[0]
    if answer.created or not job.fresh or answer.id != job.id:
        return answer
    # Under an id of its own it can only be here by an attempt whose answer was lost, and was not sent then.
    sent.mark_unpublished([job.id])
    return answer._replace(created=True)


def _insert_at_once(jobs: Sequence[NewJob]) -> list[inserting.Stored]:
    try:
        return inserting.insert(store.connection(), jobs)
    except outages.ERRORS:
        if not store.close_if_lost():
            raise
        # The server was restarted since this thread's last job. The answer that was lost may have been a yes.
        return inserting.insert(store.connection(), [job._replace(fresh=False) for job in jobs])


def _with_known(session: Session, jobs: Sequence[NewJob], *, new: set[str]) -> list[Accepted]:
    """Answers where some jobs were known; the database waited for their first acceptance to commit."""
    unanswered = set(new)
    created = []
    for job in jobs:
        created.append(job.id in unanswered)
        unanswered.discard(job.id)
    repeated = [job for job, is_new in zip(jobs, created, strict=True) if not is_new]
    keys, ids = [job.key for job in repeated if job.key], [job.id for job in repeated]
    known = select(Job.id, Job.key, Job.digest, Job.run_at, Job.task, Job.args, Job.kwargs)
    rows = session.execute(known.where(or_(Job.key.in_(keys), Job.id.in_(ids)))).all()
    by_key = {row.key: row for row in rows if row.key}
    by_id = {row.id: row for row in rows}
    answers = []
    for job, is_new in zip(jobs, created, strict=True):
        row = None if is_new else by_key.get(job.key) or by_id[job.id]
        if row is not None and not fill_waiting(session, job) and job.key not in by_key:
            refuse_other(job, row)
        answers.append(Accepted(row.id, False, row.digest) if row else Accepted(job.id, True, job.digest))
    return answers


def fill_waiting(session: Session, job: NewJob) -> bool:
    """Give a row that was made in advance (for the end of a chain or chord) its job; whether it was."""
    waiting = (Job.state == State.SCHEDULED) & Job.run_at.is_(None)
    foretold_dead = (Job.state == State.DEAD) & Job.run_at.is_(None)
    filled = session.execute(
        update(Job)
        .where(Job.id == job.id, waiting | foretold_dead)
        .values(
            **job.work(),
            group_id=job.group_id,
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
        inserting.insert_keys(store.under(session), [job])
        outbox.publish_after_commit(session, [job.id])
    return bool(filled)


def _due(jobs: Sequence[NewJob], stored: Sequence[inserting.Stored]) -> list[Dispatch]:
    """The messages of those jobs that are to be sent now."""
    rows = {row.id: row for row in stored if row.published is not None}
    return [
        Dispatch.first(job, expires=row.expires, published=row.published or 0.0)
        for job in jobs
        if (row := rows.get(job.id))
    ]

"""Accepting: a job is a row in the caller's transaction, and is published after its commit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from kombu.utils import json
from sqlalchemy import or_, select, update

from app.jobs import outbox, registry, store
from app.jobs.errors import ArgumentsNotJson, ArgumentsTooLarge
from app.jobs.message import Dispatch
from app.jobs.models import Job, State
from app.jobs.seal import seal_named
from app.jobs.store import NewJob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.jobs.registry import TaskSpec


log = structlog.get_logger(__name__)

KIB = 1024
#: Larger arguments cost every hop a multiple of their size in memory; measured in research on 100 MB ones.
MAX_ARGUMENTS = 256 * KIB


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """The answer to one job: its id, and whether it is new or its key was known already."""

    id: str
    created: bool
    digest: str | None


def new_job(
    task_name: str,
    *,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    id: str | None = None,  # noqa: A002 (the ledger's word)
    key: str | None = None,
    digest: str | None = None,
    context: Mapping[str, Any] | None = None,
    queue: str | None = None,
    run_at: datetime | None = None,
    delay_seconds: float = 0.0,
    expires_at: datetime | None = None,
    expires_seconds: float | None = None,
    priority: int | None = None,
    options: Mapping[str, Any] | None = None,
    group_id: str | None = None,
) -> NewJob:
    """A job of a declared task, checked and with its sensitive arguments sealed."""
    spec = registry.spec_of(task_name)
    encoded = arguments(spec, args, kwargs or {})
    context = _surrounding_context() if context is None else context
    return NewJob(
        id=id or str(uuid.uuid4()),
        task=task_name,
        queue=registry.checked_queue(queue or spec.queue, task=task_name),
        priority=spec.priority if priority is None else priority,
        args=encoded.args,
        kwargs=encoded.kwargs,
        options=json.dumps(options) if options else None,
        key=key,
        digest=digest,
        context=json.dumps(context) if context else None,
        group_id=group_id,
        run_at=run_at,
        delay_seconds=delay_seconds,
        expires_at=expires_at,
        expires_seconds=expires_seconds,
        max_attempts=spec.max_attempts,
    )


def _surrounding_context() -> dict[str, Any]:
    """The log context of whoever accepts: its request id lives on, a job's own id does not."""
    found = structlog.contextvars.get_contextvars()
    return {name: value for name, value in found.items() if name != "job_id"}


#: kombu's JSON, which knows dates, decimals and the like; made once, because making it is what costs.
_ENCODE: Callable[[Any], str] = json.JSONEncoder().encode


class Arguments(NamedTuple):
    """Arguments as JSON text, sealed where they are sensitive."""

    args: str
    kwargs: str


def arguments(spec: TaskSpec, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Arguments:
    """Check and encode what a task is to be called with."""
    if spec.sensitive:
        args, kwargs = (), seal_named(spec.named(args, kwargs), names=spec.sensitive)
    try:
        encoded = Arguments(_ENCODE(list(args)), _ENCODE(dict(kwargs)))
    except (TypeError, ValueError) as error:
        raise ArgumentsNotJson(task=spec.name, problem=str(error)) from None
    size = len(encoded.args) + len(encoded.kwargs)
    if size > MAX_ARGUMENTS:
        raise ArgumentsTooLarge(task=spec.name, size=size, limit=MAX_ARGUMENTS)
    return encoded


def accept(session: Session, jobs: Sequence[NewJob]) -> list[Accepted]:
    """Insert `jobs` in the session's transaction; the answers come in the same order.

    A job whose key or id is known already is not accepted a second time; the answer names the first.
    """
    if not jobs:
        return []
    stored = {row.id: row for row in store.accept(store.under(session), jobs)}
    due = [job for job in jobs if job.id in stored and stored[job.id].published is not None]
    outbox.publish_later(session, [_dispatch(job, stored[job.id]) for job in due])
    if len(stored) == len(jobs):
        return [Accepted(id=job.id, created=True, digest=job.digest) for job in jobs]
    return _with_known(session, jobs, new=set(stored))


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


def _dispatch(job: NewJob, row: store.Stored) -> Dispatch:
    assert row.published is not None  # noqa: S101 (the caller checked)
    return Dispatch(
        id=job.id,
        task=job.task,
        queue=job.queue,
        priority=job.priority,
        args=job.args,
        kwargs=job.kwargs,
        options=job.options,
        context=job.context,
        group_id=job.group_id,
        attempt=0,
        expires=row.expires,
        published=row.published,
    )

"""Keeps to one job where a task declares its jobs unique: who asks again is given the job that there is.

A row of `job_unique` names the job that stands for all with its key. Callers take turns on that row, and the
job found by it is kept from beginning to run until the caller has committed: what is still queued then will
see what the caller wrote.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, select, update

from app.db.clock import clock
from app.db.encryption import signing_keys
from app.db.upsert import insert_or_update
from app.jobs.declaration import registry
from app.jobs.ledger.models import Job, JobUnique, State
from app.jobs.ledger.seal import unseal
from app.values.typed_json import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.jobs.declaration.registry import TaskSpec
    from app.jobs.declaration.uniqueness import Unique
    from app.jobs.ledger.new_job import NewJob

#: A job that failed or was cancelled stands for no other.
_GOOD = frozenset(State) - {State.DEAD, State.CANCELLED}


def key_of(spec: TaskSpec, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The same for all calls that ask for the same, and keyed, so that it tells nothing of secrets."""
    asked = {name: unseal(value) for name, value in spec.in_full(args, kwargs).items()}
    document = to_json(dict(sorted(asked.items())))
    return f"{spec.name}:{hmac.new(signing_keys('unique')[0], document.encode(), hashlib.sha256).hexdigest()}"


def stand_ins(session: Session, jobs: Sequence[NewJob]) -> dict[str, str]:
    """For each of `jobs` that is not to be accepted, by its id, the id of the job that stands for it."""
    found: dict[str, str] = {}
    first: dict[str, str] = {}
    # In one order for all, or two callers with keys in common could wait for each other.
    for job in sorted(jobs, key=lambda job: job.unique or ""):
        if job.unique is None:
            continue
        if job.unique in first:
            found[job.id] = first[job.unique]
            continue
        other = _take(session, key=job.unique, job_id=job.id, unique=registry.spec_of(job.task).unique)
        first[job.unique] = other or job.id
        if other:
            found[job.id] = other
    return found


def _take(session: Session, *, key: str, job_id: str, unique: Unique | None) -> str | None:
    """Make `job_id` the one that has the key; the answer is another one that has it already."""
    until = clock(unique.window.total_seconds()) if unique and unique.window else None
    while True:
        values = insert_or_update(session, JobUnique).values(key=key, job_id=job_id, until=until)
        taken = values.on_conflict_do_nothing().returning(JobUnique.key)
        if session.execute(taken).scalar() is not None:
            return None
        row = select(JobUnique.job_id).where(JobUnique.key == key).with_for_update()
        other = session.execute(row).scalar()
        if other is None:
            continue  # it was pruned in between
        if unique and _stands(session, key=key, job_id=other, unique=unique):
            return str(other)
        session.execute(update(JobUnique).where(JobUnique.key == key).values(job_id=job_id, until=until))
        return None


def _stands(session: Session, *, key: str, job_id: str, unique: Unique) -> bool:
    # The lock keeps the job from being claimed before the caller has committed what the job is to see.
    state = session.execute(select(Job.state).where(Job.id == job_id).with_for_update(read=True)).scalar()
    if state in unique.states:
        return True
    if state is None or state not in _GOOD:
        return False
    return bool(session.scalar(select(exists().where(JobUnique.key == key, JobUnique.until > clock()))))


def prune(session: Session, *, limit: int) -> int:
    """Delete up to `limit` keys whose jobs are gone."""
    gone = select(JobUnique.key).where(~exists().where(Job.id == JobUnique.job_id)).limit(limit)
    pruned = delete(JobUnique).where(JobUnique.key.in_(gone)).returning(JobUnique.key)
    return len(session.execute(pruned).all())

"""Submitting: what a client asks for becomes jobs of public tasks, once per idempotency key."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from app.db.sessions import transaction
from app.errors import InvalidInput
from app.jobs.accept import Accepted, accept
from app.jobs.celery.signals import announced, has_receivers
from app.jobs.declaration import registry
from app.jobs.declaration.options import HORIZON
from app.jobs.errors import ArgumentsTooLarge, UnknownTask
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job
from app.jobs.web import gathering
from app.topology import Priority
from app.values.field_errors import FieldError, InvalidFields, field_errors
from app.values.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.jobs.declaration.registry import TaskSpec
    from app.jobs.ledger.new_job import NewJob
    from app.jobs.web.schemas import JobRequest


class IdempotencyKeyReused(InvalidInput):
    """Raised when a key comes again with another request."""

    code = "idempotency_key_reused"

    def __init__(self, *, job_id: str, place: str) -> None:
        super().__init__(
            f"The idempotency key{place} was used for another request, which became job {job_id}. "
            "Send what was sent then, or choose another key."
        )


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One asked-for job, its key (already the token's own) and where it stands in the body."""

    request: JobRequest
    key: str | None = None
    pointer: str = ""
    #: Tells batches apart that are repeated as a whole.
    batch: str = ""

    @property
    def digest(self) -> str | None:
        """SHA-256 of what is asked for."""
        return digest_of(self.request, salt=self.batch) if self.key else None


def digest_of(request: JobRequest, *, salt: str = "") -> str:
    """SHA-256 of a request, however its JSON was spaced or ordered."""
    document = request.model_dump(mode="json", exclude={"idempotency_key"})
    # As it was when "normal" was the default: keys that were used then are still known.
    document["priority"] = document["priority"] or "normal"
    return hashlib.sha256((salt + json.dumps(document, sort_keys=True)).encode()).hexdigest()


async def submit_one(item: Submission) -> Accepted:
    """As `submit`, in a transaction of its own or, where nothing speaks against it, in one with others."""
    answer = await submit_gathered(item)
    return await run_in_threadpool(_submit_alone, item) if answer is None else answer


async def submit_gathered(item: Submission) -> Accepted | None:
    """Accept a plain job together with others; None for any other, about which nothing is done."""
    gatherer = gathering.current(keyed=item.key is not None)
    job = _plain_job(item) if gatherer else None
    if gatherer is None or job is None:
        return None
    answer = await gatherer.accept(job)
    if not answer.created:
        _same(item, answer)
    return answer


def _submit_alone(item: Submission) -> Accepted:
    with transaction() as session:
        return submit(session, [item])[0]


def _plain_job(item: Submission) -> NewJob | None:
    """The job that is asked for; None for one that others are to be looked at for, or to be told of."""
    if has_receivers() or not registry.is_declared(item.request.task):
        return None
    try:
        job = _job(item)
    except InvalidFields:
        if item.key is None:
            raise
        return None  # under a key that is known it was right when it came first
    return None if job.unique is not None or job.partition is not None else job


def submit(session: Session, submissions: Sequence[Submission]) -> list[Accepted]:
    """Accept all of `submissions` or raise; a known key gives the job it became."""
    known = _known(session, [item.key for item in submissions if item.key])
    jobs: dict[int, NewJob] = {}
    errors: list[FieldError] = []
    more = 0
    for index, item in enumerate(submissions):
        # Looked at before the request is judged: what was right then may have grown wrong, such as `run_at`.
        if item.key in known:
            _same(item, known[item.key])
            continue
        try:
            jobs[index] = _job(item)
        except InvalidFields as error:
            errors += error.errors
            more += error.more
    if errors:
        raise InvalidFields(errors, more=more)
    # In one order for all, or two callers with keys in common could wait for each other.
    ordered = sorted(jobs, key=lambda index: jobs[index].key or "")
    with announced([jobs[index] for index in ordered]) as announced_ones:
        answers = dict(zip(ordered, accept(session, announced_ones), strict=True))
    for index, answer in answers.items():
        if not answer.created:
            _same(submissions[index], answer)
    return [answers.get(index) or known[item.key or ""] for index, item in enumerate(submissions)]


def _known(session: Session, keys: Sequence[str]) -> dict[str | None, Accepted]:
    if not keys:
        return {}
    rows = session.execute(select(Job.key, Job.id, Job.digest).where(Job.key.in_(keys)))
    return {row.key: Accepted(id=row.id, created=False, digest=row.digest) for row in rows}


def _same(item: Submission, stored: Accepted) -> None:
    if stored.digest != item.digest:
        place = f" at {item.pointer}" if item.pointer else ""
        raise IdempotencyKeyReused(job_id=stored.id, place=place)


def _job(item: Submission) -> NewJob:
    request = item.request
    spec = _public(request.task, pointer=item.pointer)
    _check_times(request, pointer=item.pointer)
    within = f"{item.pointer}/arguments"
    try:
        return new_job(
            spec.name,
            kwargs=spec.as_json(request.arguments),
            key=item.key,
            digest=item.digest,
            run_at=request.run_at,
            expires_at=request.expires_at,
            priority=Priority[request.priority.upper()] if request.priority else None,
        )
    except ValidationError as error:
        raise InvalidFields(field_errors(error.errors(include_input=False), within=within)) from None
    except ArgumentsTooLarge as error:
        raise InvalidFields([FieldError(detail=str(error), pointer=within)]) from None


def _public(name: str, *, pointer: str) -> TaskSpec:
    with suppress(UnknownTask):
        spec = registry.spec_of(name)
        if spec.public and spec.durable:
            return spec
    public = [spec.name for spec in registry.tasks().values() if spec.public and spec.durable]
    hint = did_you_mean(name, public, otherwise="GET /api/v1/tasks lists them.")
    detail = f'There is no public task "{name}". {hint}'
    raise InvalidFields([FieldError(detail=detail, pointer=f"{pointer}/task")])


def _check_times(request: JobRequest, *, pointer: str) -> None:
    now = datetime.now(UTC)
    if request.run_at and not now <= request.run_at <= now + HORIZON:
        detail = f"run_at must lie ahead, within {HORIZON.days} days; leave it out to run now"
        raise InvalidFields([FieldError(detail=detail, pointer=f"{pointer}/run_at")])
    if request.expires_at and not (request.run_at or now) < request.expires_at <= now + HORIZON:
        detail = (
            f"expires_at must be later than run_at and now, or the job would never run, and within "
            f"{HORIZON.days} days"
        )
        raise InvalidFields([FieldError(detail=detail, pointer=f"{pointer}/expires_at")])

"""Runs a job again as a new one, with arguments that somebody has edited.

What is masked cannot be read, and is kept as it is where it was not replaced.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from sqlalchemy import select

from app.console.acts import note
from app.console.jobs.errors import MaskedPart, NotAnObject, NotEditable, SentBefore, TooLargeToEdit
from app.console.jobs.rights import may_run_again
from app.console.places import JOBS
from app.console.questions import looking
from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.celery.signals import announced
from app.jobs.declaration import registry
from app.jobs.declaration.arguments import checked_arguments
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job
from app.jobs.ledger.seal import MASK, unseal
from app.jobs.service import arguments_of, find_job
from app.jobs.web import permissions
from app.tokens.callers import MissingScope
from app.values.strict_json import InvalidJson, parsed
from app.values.typed_json import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from app.jobs.declaration.registry import TaskSpec
    from app.tokens.callers import Caller

#: As a form sends them, they become three times as long, which is below what a body may have.
MAX_EDITED = 64 * 1024
#: Of those that were made of a job so many are named.
MAX_SHOWN = 20


class Again(NamedTuple):
    """The job that a form became, and whether that was now."""

    id: str
    created: bool


def text_of(job_id: str, *, caller: Caller) -> str:
    """The arguments of a job as they are edited. Raises what keeps `caller` from that."""
    with looking() as session:
        found = json.dumps(
            _editable(find_job(session, job_id=job_id), caller=caller), indent=2, ensure_ascii=False
        )
    size = len(found.encode(errors="backslashreplace"))
    if size > MAX_EDITED:
        raise TooLargeToEdit(size=size, most=MAX_EDITED)
    return found


def _editable(job: Job, *, caller: Caller) -> dict[str, Any]:
    permissions.require_tasks({job.task}, caller=caller)
    hidden = permissions.hidden_without(job.task, caller=caller)
    if hidden is not None:
        raise MissingScope(scope=hidden)
    if not may_run_again(job.task, caller=caller):
        registry.spec_of(job.task)  # raises for one that this release does not know
        raise NotEditable(task=job.task)
    found: dict[str, Any] = shown(arguments_of(job))
    return found


def run_again(job_id: str, *, text: str, once: str, reason: str, caller: Caller) -> Again:
    """Accept a job like the one with that id, with the arguments in `text`; `once` makes it one job.

    Raises what is wrong with the arguments, `UnknownTask`, `MissingScope`, `JobNotFound` and `SentBefore`.
    """
    with transaction() as session:
        job = find_job(session, job_id=job_id)
        before = _editable(job, caller=caller)
        spec = registry.spec_of(job.task)
        given = _object(text)
        arguments = checked_arguments(spec, _restored(spec, job, before=before, given=given))
        asked = new_job(
            spec.name,
            kwargs=arguments,
            key=f"{_prefix(job_id)}{once}",
            digest=hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest(),
            queue=job.queue,
            priority=job.priority,
            context={**structlog.contextvars.get_contextvars(), "replay_of": job_id},
        )
        with announced([asked]) as [announced_one]:
            answer = accept(session, [announced_one])[0]
        if not answer.created:
            return Again(_same(session, answer.id, asked_digest=asked.digest, key=asked.key), False)
        names = sorted(name for name in {*before, *given} if not _alike(before.get(name), given.get(name)))
        _note(session, job_id, answer.id, names=names, reason=reason, caller=caller)
        return Again(answer.id, True)


def made_of(session: Session, *, job_id: str) -> list[str]:
    """The jobs that were made of a job here, the first ones first."""
    prefix = _prefix(job_id)
    # The bounds let the index serve, whatever the database's language sorts; what follows is hexadecimal.
    begins = (Job.key >= prefix) & (Job.key <= f"{prefix}zz") & Job.key.startswith(prefix, autoescape=True)
    return list(session.scalars(select(Job.id).where(begins).order_by(Job.accepted_at).limit(MAX_SHOWN)))


def _prefix(job_id: str) -> str:
    return f"again:{job_id}:"


def _object(text: str) -> dict[str, Any]:
    try:
        found = parsed(text.encode())
    except InvalidJson as error:
        raise NotAnObject(problem=f"{error.problem}.") from None
    if not isinstance(found, dict):
        raise NotAnObject(problem="it is another kind of value.")
    return found


def _restored(
    spec: TaskSpec, job: Job, *, before: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """What was given, with the arguments that were left alone as the ledger has them."""
    kept = _named(spec, job)
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in kept and _alike(value, before.get(name)):
            found[name] = unseal(kept[name]) if name in spec.sensitive else kept[name]
        elif name in kept and MASK in _texts(before.get(name)) & _texts(value):
            raise MaskedPart(name=name)
        else:
            found[name] = value
    return found


def _alike(one: Any, other: Any) -> bool:
    """Whether both are the same JSON; to Python, true is 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _named(spec: TaskSpec, job: Job) -> dict[str, Any]:
    try:
        return spec.named(job.args, job.kwargs)
    except TypeError:
        return {}  # they did not fit, which may be why somebody edits them


def _texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(_texts(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(_texts(inner) for inner in value))
    return {value} if isinstance(value, str) else set()


def _same(session: Session, job_id: str, *, asked_digest: str | None, key: str | None) -> str:
    stored = session.execute(select(Job.key, Job.digest).where(Job.id == job_id)).one()
    if stored.key == key and stored.digest != asked_digest:
        raise SentBefore(job_id=job_id)
    return job_id


def _note(
    session: Session, job_id: str, new_id: str, *, names: list[str], reason: str, caller: Caller
) -> None:
    for path, title, other in (
        (f"{JOBS}/{job_id}/again", "Run a job as a new one", new_id),
        (f"{JOBS}/{new_id}", "Made of another job", job_id),
    ):
        note(session, caller, title=title, path=path, job=other, changed=names, reason=reason)

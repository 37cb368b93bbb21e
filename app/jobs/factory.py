"""Making a job: what a caller asks for, checked, encoded once, and sealed where it is sensitive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from uuid_utils import uuid7

from app.jobs import unique
from app.jobs.declaration import options as checks
from app.jobs.declaration import partitions, registry, search
from app.jobs.errors import ArgumentsNotJson, ArgumentsTooLarge
from app.jobs.ledger.encoding import said
from app.jobs.ledger.new_job import NewJob
from app.jobs.ledger.seal import seal_named
from app.values.typed_json import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from app.jobs.declaration.registry import TaskSpec

    KeyOf = Callable[[TaskSpec, Sequence[Any], Mapping[str, Any]], str]

KIB = 1024
#: Larger arguments cost every hop a multiple of their size in memory; measured in research on 100 MB ones.
MAX_ARGUMENTS = 256 * KIB
#: Options by which others hang on a job.
CANVAS = frozenset({"chain", "chord", "callbacks", "errbacks", "link", "link_error"})


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
    # Most jobs ask for none of this, and a call for each would be felt in batches of a thousand.
    if run_at is not None or expires_at is not None:
        checks.check_times(run_at=run_at, expires_at=expires_at, task=task_name)
    if id is not None or key is not None or group_id is not None:
        checks.check_names(task_id=id, key=key, group_id=group_id, task=task_name)
    encoded = arguments(spec, args, kwargs or {})
    # For one of a canvas, others wait by its id.
    is_alone = id is None and group_id is None and CANVAS.isdisjoint(options or ())
    unique_key = _key(unique.key_of, spec, args, kwargs or {}) if spec.unique and is_alone else None
    context = _surrounding_context() if context is None else context
    return NewJob(
        id=id or new_id(),
        task=task_name,
        queue=registry.checked_queue(queue, task=task_name) if queue else spec.queue.value,
        priority=spec.priority if priority is None else checks.priority(priority, task=task_name),
        args=encoded.args,
        kwargs=encoded.kwargs,
        options=_options_text(options, task=task_name) if options else None,
        key=key,
        digest=digest,
        context=to_json(context) if context else None,
        group_id=group_id,
        run_at=run_at,
        delay_seconds=delay_seconds,
        expires_at=expires_at,
        expires_seconds=expires_seconds,
        max_attempts=spec.max_attempts,
        partition=_key(partitions.key_of, spec, args, kwargs or {}) if spec.limits else None,
        unique=unique_key,
        search=_search_keys(spec, args, kwargs or {}) if spec.search else (),
        fresh=id is None,
    )


def _key(of: KeyOf, spec: TaskSpec, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    try:
        return of(spec, args, kwargs)
    except (KeyError, TypeError):
        return None  # they do not fit, which the job's own end will say


def _search_keys(
    spec: TaskSpec, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    try:
        return search.keys_of(spec, args, kwargs)
    except TypeError:
        return ()  # as above


def new_id() -> str:
    """A UUID of version 7: later ids are greater, so that an index grows at its end only."""
    return str(uuid7())


def _surrounding_context() -> dict[str, Any]:
    """The log context of whoever accepts: its request id lives on, a job's own id does not."""
    found = structlog.contextvars.get_contextvars()
    return {name: value for name, value in found.items() if name != "job_id"}


class Arguments(NamedTuple):
    """Arguments as JSON text, sealed where they are sensitive."""

    args: str
    kwargs: str


_NONE = Arguments("[]", "{}")


def arguments(spec: TaskSpec, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Arguments:
    """Check and encode what a task is to be called with."""
    if not args and not kwargs:
        return _NONE
    if spec.sensitive:
        args, kwargs = (), spec.named(args, kwargs)
    try:
        if spec.sensitive:
            kwargs = seal_named(kwargs, names=spec.sensitive)
        encoded = Arguments(to_json(list(args)), to_json(dict(kwargs)))
    except Exception as error:  # a value's own methods may raise anything
        raise ArgumentsNotJson(task=spec.name, problem=said(error)) from None
    size = len(encoded.args) + len(encoded.kwargs)
    if size > MAX_ARGUMENTS:
        raise ArgumentsTooLarge(task=spec.name, size=size, limit=MAX_ARGUMENTS)
    return encoded


def _options_text(options: Mapping[str, Any], *, task: str) -> str:
    try:
        return to_json(options)
    except Exception as error:  # as above
        raise ArgumentsNotJson(task=task, problem=said(error)) from None

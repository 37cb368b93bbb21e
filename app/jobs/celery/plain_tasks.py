"""Tasks that were registered with Celery's own decorator, as the ledger knows tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.jobs.declaration import options, registry
from app.jobs.declaration.limits import attempts_allowed
from app.jobs.declaration.registry import TaskSpec
from app.topology import Priority, Queue

if TYPE_CHECKING:
    from celery import Celery


def register_lookup(app: Celery) -> None:
    """Let the registry find what is registered with `app` alone."""
    registry.add_lookup(lambda name: spec_of(app, name=name))


def spec_of(app: Celery, *, name: str) -> TaskSpec | None:
    """The task that `app` knows by `name`; None if there is none."""
    registered = app.tasks.get(name)
    if registered is None:
        return None
    default = getattr(registered, "priority", None)
    retry_kwargs = getattr(registered, "retry_kwargs", None)
    automatic = retry_kwargs if getattr(registered, "autoretry_for", ()) else None
    return TaskSpec(
        name=name,
        body=registered.run,
        queue=Queue(getattr(registered, "queue", None) or Queue.DEFAULT),
        priority=Priority.NORMAL if default is None else options.priority(default, task=name),
        max_attempts=attempts_allowed(max_retries=registered.max_retries, retry_kwargs=automatic),
        durable=getattr(registered, "durable", True),
    )

"""What a token may do with jobs of a task: each task names the scope that its domain's own routes ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from app.jobs.declaration import registry
from app.jobs.errors import UnknownTask
from app.jobs.ledger.seal import MASK
from app.tokens.callers import MissingScope
from app.tokens.scope import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Collection

    from app.jobs.views import JobDetail, JobSummary
    from app.tokens.callers import Caller

    Shown = TypeVar("Shown", bound=JobSummary)


def scope_of(task: str) -> str | None:
    """The scope that jobs of `task` ask for.

    Only a token for everything may deal with a task of another release: nobody here knows what it holds.
    """
    try:
        return registry.spec_of(task).scope
    except UnknownTask:
        return EVERYTHING


def missing_scope(task: str, *, caller: Caller) -> str | None:
    """The scope for jobs of `task` that `caller` lacks; None where nothing is missing."""
    if caller.may(EVERYTHING):
        return None
    scope = scope_of(task)
    return None if scope is None or caller.may(scope) else scope


def require_tasks(tasks: Collection[str], *, caller: Caller) -> None:
    """Raise `MissingScope` unless `caller` may submit and change jobs of all `tasks`."""
    for task in sorted(tasks):
        scope = missing_scope(task, caller=caller)
        if scope is not None:
            raise MissingScope(scope=scope)


def within_reach(caller: Caller) -> list[str] | None:
    """The tasks whose jobs `caller` may change; None for all, those of other releases included."""
    if caller.may(EVERYTHING):
        return None
    return [name for name in registry.tasks() if missing_scope(name, caller=caller) is None]


def shown(job: Shown, *, caller: Caller) -> Shown:
    """`job` as a list or an event shows it to `caller`."""
    scope = missing_scope(job.task, caller=caller)
    return job if scope is None else job.model_copy(update={"progress": None, "hidden_without": scope})


def shown_whole(job: JobDetail, *, caller: Caller) -> JobDetail:
    """`job` as `caller` may see it: what it was given and what came of it belong to its domain."""
    scope = missing_scope(job.task, caller=caller)
    if scope is None:
        return job
    hidden = {
        "arguments": dict.fromkeys(job.arguments, MASK),
        "result": None if job.result is None else MASK,
        "attempts": [attempt.model_copy(update={"traceback": None}) for attempt in job.attempts],
    }
    return shown(job, caller=caller).model_copy(update=hidden)

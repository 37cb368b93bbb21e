"""What a caller may do with jobs of a task: each task names the scope that its domain's own routes ask for.

A person who operates the service submits, cancels and retries the jobs of all tasks whose scopes their role
has; where it has not, or such a scope is personal, what is in the jobs stays hidden from them: arguments,
progress, results, tracebacks, and of errors what they say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from app.jobs.declaration import registry
from app.jobs.errors import UnknownTask
from app.jobs.ledger.seal import MASK
from app.tokens.callers import MissingScope
from app.tokens.scope import EVERYTHING, is_personal

if TYPE_CHECKING:
    from collections.abc import Collection

    from app.jobs.views import AttemptView, JobDetail, JobSummary
    from app.tokens.callers import Caller

    Shown = TypeVar("Shown", bound=JobSummary)


#: The class of an error, of which the rest says with which values.
_KIND = re.compile(r"\w+(?=: |\Z)")


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


def within_reach(caller: Caller, *, narrowed_by: str | None = None) -> list[str] | None:
    """The tasks whose jobs `caller` may change; None for all, those of other releases included.

    If jobs are chosen by what is in them (`narrowed_by`), the caller must be able to read it as well.
    """
    if caller.may(EVERYTHING):
        return None
    names = None if narrowed_by is None else readable(caller)
    return [
        name
        for name in (registry.tasks() if names is None else names)
        if missing_scope(name, caller=caller) is None
    ]


def readable(caller: Caller) -> list[str] | None:
    """The tasks of whose jobs nothing is hidden from `caller` by which a filter could tell one; None for all.

    A filter by what is hidden would show it, letter by letter.
    """
    if caller.only_user is None:
        return None
    return [name for name in registry.tasks() if hidden_without(name, caller=caller) is None]


def hidden_without(task: str, *, caller: Caller) -> str | None:
    """The scope without which `caller` does not see what is in jobs of `task`; None where all is shown."""
    if caller.only_user is not None and _is_personal(task):
        return EVERYTHING
    return missing_scope(task, caller=caller)


def shown_error(error: str | None, *, task: str, caller: Caller) -> str | None:
    """Of an error of a job, what `caller` may read: a person its kind alone where what is in it is hidden."""
    if not error or caller.only_user is None or hidden_without(task, caller=caller) is None:
        return error
    found = _KIND.match(error)
    return found[0] if found else MASK


def _is_personal(task: str) -> bool:
    scope = scope_of(task)
    return scope is not None and is_personal(scope)


def shown(job: Shown, *, caller: Caller) -> Shown:
    """`job` as a list or an event shows it to `caller`."""
    changes = hidden(job.task, job.error, caller=caller)
    return job.model_copy(update=changes) if changes else job


def hidden(task: str, error: str | None, *, caller: Caller) -> dict[str, Any]:
    """What `caller` sees otherwise of a job of `task` in a list; nothing where all of it is shown."""
    scope = hidden_without(task, caller=caller)
    if scope is None:
        return {}
    error = shown_error(error, task=task, caller=caller)
    return {"progress": None, "hidden_without": scope, "error": error}


def shown_whole(job: JobDetail, *, caller: Caller) -> JobDetail:
    """`job` as `caller` may see it: what it was given and what came of it belong to its domain."""
    if hidden_without(job.task, caller=caller) is None:
        return job
    hidden = {
        "arguments": dict.fromkeys(job.arguments, MASK),
        "result": None if job.result is None else MASK,
        "attempts": [_shown_attempt(one, task=job.task, caller=caller) for one in job.attempts],
    }
    return shown(job, caller=caller).model_copy(update=hidden)


def _shown_attempt(attempt: AttemptView, *, task: str, caller: Caller) -> AttemptView:
    error = shown_error(attempt.error, task=task, caller=caller)
    return attempt.model_copy(update={"traceback": None, "error": error})

"""Tasks by paths of functions, as other services name them: `app.tasks.plaid_tasks.sync_all_accounts`.

Such a path stands for the one public task whose function has that name, whatever modules lie between. It is
resolved where a task is asked for; what is recorded is the task's own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.jobs.declaration import registry
from app.jobs.errors import NoPublicTask, UnknownTask
from app.values.nearest import nearest

if TYPE_CHECKING:
    from app.jobs.declaration.registry import TaskSpec

#: Which task is meant by a function that several public tasks have.
AMBIGUOUS: dict[str, str] = {}


def spec_of(name: str) -> TaskSpec:
    """The task called `name`, or that `name` is a path to. Raises `UnknownTask` and `NoPublicTask`."""
    known = registry.find(name)
    if known is not None:
        return known
    function = _function_of(name)
    if function is None:
        raise UnknownTask(name=name, known=registry.tasks())
    meant = by_function(function)
    if meant is None:
        raise NoPublicTask(path=name, nearest=_nearest(function))
    return meant


def by_function(function: str) -> TaskSpec | None:
    """The public task whose function is called `function`."""
    declared = registry.tasks()
    if function in AMBIGUOUS:
        return declared[AMBIGUOUS[function]]
    found = [spec for spec in declared.values() if spec.public and _called(spec) == function]
    return found[0] if len(found) == 1 else None


def _function_of(name: str) -> str | None:
    """The last part of a dotted path through `app` and `tasks` below it; None for any other name."""
    *packages, function = name.split(".")
    if "app" not in packages or "tasks" not in packages[packages.index("app") :]:
        return None
    return function


def _called(spec: TaskSpec) -> str:
    return spec.body.__name__


def _nearest(function: str) -> str | None:
    """The task whose function is called so, or much like it; a public one before others."""
    ordered = sorted(registry.tasks().values(), key=lambda spec: spec.public)
    by_name = {_called(spec): spec.name for spec in ordered}
    near = nearest(function, by_name)
    return by_name[near] if near else None

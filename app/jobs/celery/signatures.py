"""Signatures that travel inside a job (the rest of a chain, a chord's body, callbacks), fit to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.jobs.declaration import aliases, options, registry
from app.jobs.declaration.option_shapes import check_shapes
from app.jobs.errors import NotJson, UnknownTask
from app.jobs.ledger.seal import seal_named, sealed_once
from app.values.typed_json import TooDeep

if TYPE_CHECKING:
    from app.jobs.declaration.registry import TaskSpec

#: What Celery puts before the arguments of a signature when its turn comes: the result of the one before.
LED_BY = 1


def sealed(value: Any) -> Any:
    """`value` with the sensitive arguments of every signature in it sealed, at any depth.

    Raises for one that could not be sent when its turn comes: whoever asks for it can still mend it.
    """
    try:
        return _sealed(value)
    except RecursionError:
        raise NotJson(what="The canvas", problem=str(TooDeep())) from None


def _sealed(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_sealed(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    safe = {name: _sealed(inner) for name, inner in value.items()}
    if "subtask_type" not in safe:
        return safe
    _check(safe)
    spec = _spec_of(safe.get("task"))
    if spec is None:
        return safe
    safe["task"] = spec.name
    if spec.sensitive:
        safe["kwargs"] = seal_named(safe.get("kwargs") or {}, names=spec.sensitive)
        safe["args"] = _sealed_positions(safe, spec)
    return safe


def _check(signature: dict[str, Any]) -> None:
    task, given = signature.get("task"), signature.get("options")
    if isinstance(task, str) and isinstance(given, dict):
        options.check(given, task=task)
        check_shapes(given, task=task)
        if given.get("queue"):
            registry.checked_queue(getattr(given["queue"], "name", given["queue"]), task=task)


def _spec_of(task: Any) -> TaskSpec | None:
    """What is known of a task; None for one of another release. Raises `NoPublicTask`."""
    if not isinstance(task, str):
        return None
    try:
        return aliases.spec_of(task)
    except UnknownTask:
        return None


def _sealed_positions(signature: dict[str, Any], spec: TaskSpec) -> list[Any]:
    names = list(spec.signature.parameters)
    names = names if signature.get("immutable") else names[LED_BY:]
    args = list(signature.get("args") or ())
    named = zip(args, names + [""] * len(args), strict=False)
    return [sealed_once(value) if name in spec.sensitive else value for value, name in named]

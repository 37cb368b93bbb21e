"""What leaves this service: text and arguments without what is secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.jobs.declaration import registry
from app.jobs.errors import UnknownTask, WrongKey
from app.jobs.ledger.seal import MASK, is_sealed, mask, unseal
from app.logs.masking import without_secrets
from app.tokens.scope import is_personal

if TYPE_CHECKING:
    from collections.abc import Iterator


def without_arguments(text: str, arguments: object) -> str:
    """`text` without secrets, and without what is sealed in the arguments: an error may quote both."""
    return without_secrets(text, hiding=set(_opened(arguments)))


def is_about_somebody(task: str) -> bool:
    """Whether what is in jobs of `task` is personal: arguments and errors of those are shown to few."""
    try:
        scope = registry.spec_of(task).scope
    except UnknownTask:
        return True
    return scope is not None and is_personal(scope)


def message_of(error: object, *, task: str, arguments: object) -> str:
    """What an attempt of `task` ended with."""
    return MASK if is_about_somebody(task) else without_arguments(str(error), arguments)


def shown(value: Any) -> Any:
    """Arguments as others may see them: sealed ones as `***`, and no secret in the rest."""
    masked = mask(value)
    if isinstance(masked, str):
        return without_secrets(masked)
    if isinstance(masked, dict):
        return {name: shown(inner) for name, inner in masked.items()}
    return [shown(inner) for inner in masked] if isinstance(masked, list) else masked


def _opened(value: Any) -> Iterator[str]:
    """All text inside of what is sealed."""
    if is_sealed(value):
        try:
            yield from _texts(unseal(value))
        except WrongKey:
            return
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _opened(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _opened(inner)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    else:
        yield str(value)

"""What the options of a message look like: one of another shape makes no message, though its row is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from app.jobs.errors import InvalidOption
from app.jobs.ledger.names import MAX_ID, is_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Shape(NamedTuple):
    """Tells a usable value, and says what one is."""

    fits: Callable[[Any], bool]
    wanted: str


def check_shapes(options: Mapping[str, Any], *, task: str) -> None:
    """Raise for an option that no message can carry, or that no worker could make anything of."""
    for option, shape in SHAPES.items():
        value = options.get(option)
        if value and not shape.fits(value):
            raise InvalidOption(task=task, option=option, value=value, wanted=shape.wanted)


def _is_signature(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("task"), str)


def _are_signatures(value: Any) -> bool:
    found = value if isinstance(value, list | tuple) else [value]
    return all(map(_is_signature, found))


def _are_headers(value: Any) -> bool:
    """Whether they can go along; by `compression`, kombu says what it did to the body itself."""
    return (
        isinstance(value, dict) and all(isinstance(name, str) for name in value) and _COMPRESSION not in value
    )


def _are_names(value: Any) -> bool:
    return isinstance(value, list | tuple | set) and all(map(is_name, value))


def _is_index(value: Any) -> bool:
    return isinstance(value, int)


_COMPRESSION = "compression"
_NAME = Shape(is_name, f"give a text of 1 to {MAX_ID} characters without NUL and halves of surrogate pairs")
_SIGNATURES = Shape(_are_signatures, "give a signature, such as task.s(1), or a list of them")
SHAPES = {
    "headers": Shape(_are_headers, f"give an object with text as keys, none of which is {_COMPRESSION}"),
    "link": _SIGNATURES,
    "link_error": _SIGNATURES,
    "chain": _SIGNATURES,
    "chord": Shape(_is_signature, "give a signature, such as task.s(1)"),
    "group_index": Shape(_is_index, "give a whole number"),
    "shadow": _NAME,
    "reply_to": _NAME,
    "root_id": _NAME,
    "parent_id": _NAME,
    "stamped_headers": Shape(_are_names, "give a list of names"),
}

"""JSON with types: what kombu writes for dates, decimals and the like, read back as it was given.

kombu marks such a value by an object of the keys `__type__` and `__value__`. Data that looks like a mark
would be taken for one, or refused, by whoever reads it; it is therefore written as a list of its pairs,
under a mark of its own.
"""

from __future__ import annotations

import base64
import json
import math
import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from kombu.utils.json import JSONEncoder, register_type
from kombu.utils.json import loads as read_marks

if TYPE_CHECKING:
    from collections.abc import Callable

TYPE = "__type__"
_MARKED = f'"{TYPE}"'
#: Whoever reads a value takes a frame or two of the stack for each level, and Python has a thousand.
MAX_DEPTH = 200
#: Whoever reads an answer has limits of his own.
MAX_SHOWN_DEPTH = 64
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')

#: Made once, because making it is what costs.
_ENCODE: Callable[[Any], str] = JSONEncoder(allow_nan=False).encode


class TooDeep(ValueError):
    """Raised for a value that is nested deeper than it could be read."""

    def __init__(self) -> None:
        super().__init__(f"it is nested deeper than {MAX_DEPTH} levels")


class Unreadable(str):
    """What a column holds that is not JSON."""

    __slots__ = ()


class _Pairs:
    """Data that looks like one of kombu's marks."""

    def __init__(self, data: dict[Any, Any]) -> None:
        self.pairs = [[name, _escaped(value)] for name, value in data.items()]


def _restored(pairs: Any) -> Any:
    return dict(pairs)


register_type(_Pairs, "pairs", lambda data: data.pairs, _restored)


def to_json(value: Any) -> str:
    """`value` as JSON text. Raises where it cannot be, or could not be read again."""
    try:
        text = _ENCODE(value)
        if _MARKED in text:
            text = _ENCODE(_escaped(value))
    except RecursionError:
        raise TooDeep from None
    if len(text) > 2 * MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise TooDeep
    return text


def from_json(text: str | bytes | float) -> Any:
    """The value in JSON text of the ledger, with its types.

    A type that only another release knows is left marked, and what is no JSON is given as it is: one
    such value must not keep the others from being read.
    """
    if isinstance(text, int | float):
        return text  # SQLite makes a number of a text that is one, in a column that may hold numbers
    if not isinstance(text, str):
        text = bytes(text).decode(errors="backslashreplace")
    try:
        return read_marks(text) if _MARKED in text else json.loads(text)
    except Exception:  # the decoders of types raise what they like
        return _without_types(text)


def shown(value: Any, *, depth: int = 0) -> Any:
    """`value` for a person and as plain JSON: types as text, and nothing that an answer could not carry."""
    match value:
        case str():
            return value.encode(errors="backslashreplace").decode()
        case dict() | list() | tuple() if depth >= MAX_SHOWN_DEPTH:
            return "..."
        case dict():
            return {shown(str(name)): shown(inner, depth=depth + 1) for name, inner in value.items()}
        case list() | tuple():
            return [shown(inner, depth=depth + 1) for inner in value]
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float():
            return value
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return _bytes_shown(value)
        case _:
            return str(value)


def _without_types(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return Unreadable(text)


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        if TYPE in value:
            return _Pairs(value)
        return {name: _escaped(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(inner) for inner in value]
    if hasattr(value, "__json__"):
        return _escaped(value.__json__())
    return value


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for token in _TOKENS.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in "]}":
            depth -= 1
    return deepest


def _bytes_shown(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()

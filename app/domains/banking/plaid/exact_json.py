"""Reads the JSON of an answer: numbers stay as they are written, to the last digit."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from app.domains.banking.errors import MalformedAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

#: So many digits Python reads as a whole number in no time.
SHORT = 30


def answer_of(raw: bytes, *, operation: str) -> dict[str, Any]:
    """The object in the body of an answer. Raises `MalformedAnswer`."""
    try:
        told = json.loads(raw, parse_float=_decimal, parse_int=_whole, parse_constant=_decimal)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer(operation, problem=f"it is not JSON ({error})") from None
    if not isinstance(told, dict):
        raise MalformedAnswer(operation, problem="it is not an object")
    return told


def member(answer: Mapping[str, Any], name: str, kind: type[Any], *, operation: str) -> Any:
    """The member of an answer without which the rest says nothing. Raises `MalformedAnswer`."""
    value = answer.get(name)
    if not isinstance(value, kind):
        raise MalformedAnswer(operation, problem=f'its member "{name}" is missing or not a {kind.__name__}')
    return value


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= SHORT else _decimal(digits)


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        # An exponent beyond all numbers: it is for the row to say that it cannot be kept.
        return Decimal("NaN")

"""Reads single fields of what a provider answers: a value that can be kept, or `InvalidField`."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.errors import InvalidInput
from app.logs.masking import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEXT = 1_000
MAX_IDENTIFIER = 200
#: Of a value that cannot be used, so much is shown.
SHOWN = 60
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CONTROL = "Cc"
_SURROGATE = "Cs"
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"


class InvalidField(InvalidInput):
    """Raised for a field that cannot be kept as it was told."""

    code = "unkeepable"

    def __init__(self, *, field: str, value: object, expected: str) -> None:
        shown = "missing" if value is None else excerpt(ascii(value))[:SHOWN]
        super().__init__(f'The field "{field}" is {shown}, not {expected}.')


def mapping(value: object, field: str) -> Mapping[str, Any]:
    """An object of JSON."""
    if not isinstance(value, dict):
        raise InvalidField(field=field, value=value, expected="an object")
    return value


def identifier(row: Mapping[str, Any], field: str) -> str:
    """A name that the provider knows something by; it is kept as it is or not at all."""
    value = row.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_IDENTIFIER or not value.isprintable():
        expected = f"an id of 1 to {MAX_IDENTIFIER} printable characters"
        raise InvalidField(field=field, value=value, expected=expected)
    return value


def optional_identifier(row: Mapping[str, Any], field: str) -> str | None:
    """As `identifier`, where there may be none."""
    return None if row.get(field) is None else identifier(row, field)


def text(row: Mapping[str, Any], field: str) -> str | None:
    """A text that a person reads, in one line: what nobody could see does not make the row worthless."""
    value = row.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidField(field=field, value=value, expected="a text")
    return value if value.isprintable() and len(value) <= MAX_TEXT else readable(value[:MAX_TEXT])


def readable(value: str) -> str:
    """A text without the characters that nobody can see and not every column takes."""
    replaced = {_CONTROL: " ", _SURROGATE: _UNREADABLE}
    return "".join(replaced.get(unicodedata.category(character), character) for character in value).strip()


def flag(row: Mapping[str, Any], field: str) -> bool:
    """True or false, said."""
    value = row.get(field)
    if not isinstance(value, bool):
        raise InvalidField(field=field, value=value, expected="true or false")
    return value


def day(row: Mapping[str, Any], field: str) -> date:
    """A date without a time."""
    value = row.get(field)
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise InvalidField(field=field, value=value, expected="a date such as 2026-01-31")


def optional_day(row: Mapping[str, Any], field: str) -> date | None:
    """As `day`, where there may be none."""
    return None if row.get(field) is None else day(row, field)


def number(row: Mapping[str, Any], field: str) -> Decimal:
    """A number, as it was written."""
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidField(field=field, value=value, expected="a number")
    return Decimal(value)


def optional_number(row: Mapping[str, Any], field: str) -> Decimal | None:
    """As `number`, where there may be none."""
    return None if row.get(field) is None else number(row, field)

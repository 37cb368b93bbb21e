"""How days and times are written to whoever worked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


def day(date_: date) -> str:
    """A date for a person, such as Monday, 2 February 2026."""
    return f"{date_:%A}, {date_.day} {date_:%B %Y}"


def hours(length: timedelta) -> str:
    """A span for a person, such as 7 h 30 min; a part of a minute is left out."""
    whole, rest = divmod(length, _HOUR)
    return f"{whole} h {rest // _MINUTE:02} min"


def counted(number: int, *, one: str, many: str) -> str:
    """A number of things, such as 1 entry, 2 entries."""
    return f"{number} {one if number == 1 else many}"

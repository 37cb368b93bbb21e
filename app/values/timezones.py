"""Time zones as people name them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from app.errors import InvalidInput
from app.values.nearest import did_you_mean
from app.values.text import SHOWN, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable


class UnknownTimezone(InvalidInput):
    """Raised for a time zone that no database of zones has."""

    code = "unknown_timezone"

    def __init__(self, *, timezone: str, known: Iterable[str]) -> None:
        hint = did_you_mean(timezone[:SHOWN], known, otherwise="Use a name such as Europe/Berlin, or UTC.")
        super().__init__(f"There is no time zone {quoted(timezone)}. {hint}")


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def check_timezone(timezone: str) -> None:
    """Raise `UnknownTimezone` unless there is a zone of that name."""
    if timezone not in _known():
        raise UnknownTimezone(timezone=timezone, known=_known())

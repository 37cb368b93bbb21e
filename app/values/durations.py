"""Spans of time as people type them: 90d, 2h, 15min, 30s."""

from __future__ import annotations

import re
from datetime import timedelta

from app.errors import InvalidInput
from app.values.text import quoted

UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
#: Added to or taken from today, the moment must still be one.
LONGEST = timedelta(days=36_500)
_FORM = re.compile(rf"(\d{{1,6}})({'|'.join(UNITS)})", re.ASCII)


class InvalidSpan(InvalidInput):
    """Raised for what is no span of time, or too long a one."""

    code = "invalid_span"

    def __init__(self, *, text: str, problem: str) -> None:
        super().__init__(f"{quoted(text)} is {problem}")


def span(text: str) -> timedelta:
    """The span that `text` names. Raises `InvalidSpan` with the accepted form."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        form = f"not a duration. Give a number and one of {', '.join(UNITS)}, such as 2h."
        raise InvalidSpan(text=text, problem=form)
    found = int(match[1]) * UNITS[match[2]]
    if found > LONGEST:
        raise InvalidSpan(text=text, problem=f"more than {LONGEST.days} days, which is the most.")
    return found


def written(seconds: int) -> str:
    """A span as `span` reads it, in the largest unit that leaves no rest."""
    units = {name: int(unit.total_seconds()) for name, unit in UNITS.items()}
    fits = [name for name, size in units.items() if seconds % size == 0]
    name = fits[-1] if seconds else "s"
    return f"{seconds // units[name]}{name}"


def duration(text: str) -> timedelta:
    """The span that `text` names, for the command line. Raises a usage error."""
    # Only the command line has it.
    import typer

    try:
        return span(text)
    except InvalidSpan as error:
        raise typer.BadParameter(str(error)) from None

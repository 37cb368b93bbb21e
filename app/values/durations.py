"""Spans of time as people type them on the command line: 90d, 2h, 15min, 30s."""

from __future__ import annotations

import re
from datetime import timedelta

import typer

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


def duration(text: str) -> timedelta:
    """The span that `text` names. Raises a usage error with the accepted form."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(
            f'"{text}" is not a duration. Give a number and one of {", ".join(UNITS)}, such as 2h.'
        )
    span = int(match[1]) * UNITS[match[2]]
    if span > LONGEST:
        raise typer.BadParameter(f'"{text}" is more than {LONGEST.days} days, which is the most.')
    return span

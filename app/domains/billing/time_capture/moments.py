"""Moments as people and files write them, with an offset or by the clock of a time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.domains.billing.charging.bounds import check_year
from app.domains.billing.time_capture.errors import MalformedTime, NeverOnThatClock, TwiceOnThatClock

_FORM = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII
)


def moment_of(text: str, *, timezone: str, what: str) -> datetime:
    """The moment that `text` writes; without an offset, when the clocks of `timezone` showed it.

    `timezone` is the name of a zone. Raises `MalformedTime`, `YearNotAllowed`, and where the clocks showed it
    never or twice, `NeverOnThatClock` and `TwiceOnThatClock`.
    """
    found = _parsed(text)
    check_year(found.year, what=what)
    if found.tzinfo is not None:
        return found.astimezone(UTC)
    return _by_clock(found, text=text, timezone=timezone)


def _parsed(text: str) -> datetime:
    if not _FORM.fullmatch(text):
        raise MalformedTime(text=text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise MalformedTime(text=text) from None


def _by_clock(shown: datetime, *, text: str, timezone: str) -> datetime:
    zone = ZoneInfo(timezone)
    first, second = (shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    # Where clocks go back, the same is shown again later; where they go forward, Python goes back itself.
    if first > second:
        raise NeverOnThatClock(text=text, timezone=timezone)
    offsets = [moment.astimezone(zone).isoformat()[-len("+00:00") :] for moment in (first, second)]
    raise TwiceOnThatClock(text=text, timezone=timezone, offsets=offsets)

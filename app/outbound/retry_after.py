"""How long another service asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

#: A longer pause than this is not believed.
LONGEST_PAUSE = timedelta(hours=1)


def pause_asked_for(value: str) -> timedelta | None:
    """The pause of a `Retry-After` header, in seconds or until a date (RFC 9110); None for anything else."""
    if value.isdecimal():
        # Before it becomes a span: one of many digits is too long for it.
        return timedelta(seconds=min(int(value), LONGEST_PAUSE.total_seconds()))
    try:
        return min(max(parsedate_to_datetime(value) - datetime.now(UTC), timedelta()), LONGEST_PAUSE)
    except (ValueError, TypeError):
        return None

"""Reads the moments of events: aware, in UTC, and within the years that a calendar can mean."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.outbound.json_fields import InvalidField, identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

YEARS = range(1970, 2201)
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII
)
#: No event is longer.
MAX_LENGTH = timedelta(days=3_660)


def moment(row: Mapping[str, Any], field: str, *, zone: tzinfo | None = None) -> datetime:
    """A moment (RFC 3339), in UTC; one that names no offset is by the clock of `zone`, if that is given."""
    value = row.get(field)
    read = _read(value)
    if read is not None and read.tzinfo is None and zone is not None:
        read = read.replace(tzinfo=zone)
    if read is None or read.tzinfo is None:
        raise InvalidField(field=field, value=value, expected="a moment such as 2026-01-31T09:00:00Z")
    return _in_utc(read, field=field)


def optional_moment(row: Mapping[str, Any], field: str) -> datetime | None:
    """As `moment`, where there may be none."""
    return None if row.get(field) is None else moment(row, field)


def midnight(day: date, *, zone: tzinfo, field: str) -> datetime:
    """When a day begins by the clock of `zone`."""
    return _in_utc(datetime.combine(day, time(), tzinfo=zone), field=field)


def zone_named(row: Mapping[str, Any], field: str) -> tzinfo:
    """A time zone by its name, IANA's or that of Windows."""
    name = identifier(row, field)
    if name.upper() in ("UTC", "TZONE://MICROSOFT/UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _windows_zone(name, field=field)


def checked_length(starts_at: datetime, ends_at: datetime) -> None:
    """Raise `InvalidField` unless an event can last from the one to the other."""
    if not timedelta() <= ends_at - starts_at <= MAX_LENGTH:
        raise InvalidField(
            field="end",
            value=ends_at.isoformat(),
            expected=f"between the start, {starts_at.isoformat()}, and ten years later",
        )


def _windows_zone(name: str, *, field: str) -> tzinfo:
    # Not above: it reads the data of all languages, which few calendars need.
    from babel.core import get_global

    iana = get_global("windows_zone_mapping").get(name)
    if iana is None:
        raise InvalidField(field=field, value=name, expected="a time zone")
    return ZoneInfo(iana)


def _read(value: object) -> datetime | None:
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _in_utc(read: datetime, *, field: str) -> datetime:
    # Before it is counted in UTC: at the ends of the calendar there is no such moment.
    if read.year not in YEARS:
        raise InvalidField(
            field=field, value=read.isoformat(), expected=f"in the years {YEARS[0]} to {YEARS[-1]}"
        )
    return read.astimezone(UTC)

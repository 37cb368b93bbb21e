"""The period a day belongs to: its week, month or year."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from app.domains.banking.models import Period

WEEK = timedelta(days=7)


class Span(NamedTuple):
    """Days from `start` up to, but without, `end`."""

    start: date
    end: date


def span_of(day: date, period: Period) -> Span:
    """The period that `day` lies in; a week begins on Monday."""
    match period:
        case Period.WEEK:
            monday = day - timedelta(days=day.weekday())
            return Span(monday, monday + WEEK)
        case Period.MONTH:
            first = day.replace(day=1)
            return Span(first, (first + timedelta(days=31)).replace(day=1))
        case Period.YEAR:
            return Span(date(day.year, 1, 1), date(day.year + 1, 1, 1))

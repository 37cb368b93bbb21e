"""The days and months (UTC) that reports are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.domains.marketplace.reports.errors import NoSuchMonth, NotOver, NotSettled, TooLongAgo
from app.domains.marketplace.reports.models import ReportKind

DAY = timedelta(days=1)
#: As long as orders are kept.
YEARS = 10
#: What began before midnight is committed by then.
SETTLED_AFTER = timedelta(minutes=2)
#: By which the worker's clock may be behind the one that its job was sent by.
SKEW = timedelta(minutes=5)
#: Days before a day that its report shows beside it.
DAYS_SHOWN = 14


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A day or a month: what happens from `first` on, and before `after`."""

    kind: ReportKind
    first: date
    after: date

    def __str__(self) -> str:
        return self.first.isoformat() if self.kind is ReportKind.DAILY else f"{self.first:%Y-%m}"

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return midnight(self.first)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return midnight(self.after)

    @property
    def before(self) -> Period:
        """The day or month before it."""
        return of_day(self.first - DAY) if self.kind is ReportKind.DAILY else _with_day(self.first - DAY)

    @property
    def days(self) -> list[date]:
        """The days that its report shows one by one, the last being its own last."""
        shown = DAYS_SHOWN if self.kind is ReportKind.DAILY else (self.after - self.first).days
        return [self.after - DAY * back for back in range(shown, 0, -1)]


def midnight(day: date) -> datetime:
    """When a day begins."""
    return datetime.combine(day, time(), UTC)


def of_day(day: date) -> Period:
    """The day as a period."""
    # No day is after the last that there is, which is not over for long.
    return Period(kind=ReportKind.DAILY, first=day, after=day if day == date.max else day + DAY)


def of_month(*, year: int | None, month: int | None) -> Period:
    """The month as a period. Raises `NoSuchMonth`."""
    if year is None or month is None:
        raise NoSuchMonth(year=year, month=month)
    try:
        return _with_day(date(year, month, 1))
    except (ValueError, OverflowError):
        raise NoSuchMonth(year=year, month=month) from None


def last_day(now: datetime) -> Period:
    """The last day that is over."""
    return of_day(now.astimezone(UTC).date() - DAY)


def last_month(now: datetime) -> Period:
    """The last month that is over."""
    return _with_day(now.astimezone(UTC).date().replace(day=1) - DAY)


def refuse_unsound(period: Period, *, now: datetime) -> None:
    """Raise `TooLongAgo`, `NotOver` or `NotSettled` for a period that there can be no report of."""
    if period.first.year < now.year - YEARS:
        raise TooLongAgo(period=str(period), years=YEARS)
    if now < period.ends - SKEW:
        raise NotOver(period=str(period), ends=period.ends)
    if now < period.ends + SETTLED_AFTER:
        raise NotSettled(period=str(period), wait=period.ends + SETTLED_AFTER - now)


def _with_day(day: date) -> Period:
    first = day.replace(day=1)
    # A month has at most 31 days.
    return Period(kind=ReportKind.MONTHLY, first=first, after=(first + 31 * DAY).replace(day=1))

"""What the calendar of schedules shows: a week of as many of them as can be looked at together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from app.console.places import CALENDAR
from app.console.questions import answer
from app.console.schedules.looks import Row, rows_of
from app.db.clock import now as db_now
from app.db.pruning import kept_since
from app.schedule import service
from app.schedule.spec import LONGEST
from app.schedule.web.counting import DAY, changes_clock, count
from app.schedule.web.week import DAYS, week
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from app.schedule.models import ScheduleEntry
    from app.schedule.web.week import Day

MAX_ROWS = 50
#: Schedules that have more moments than this in the week are shown on further pages.
MAX_MOMENTS = 50_000
WEEK = DAYS * DAY
FIRST = datetime(2000, 1, 3, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A schedule and its week."""

    row: Row
    days: Sequence[Day]
    #: When the clocks of its zone change in the week.
    change: datetime | None

    @property
    def total(self) -> int:
        """All its moments in the week."""
        return sum(day.total for day in self.days)


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """A page of it."""

    begin: datetime
    at: datetime
    #: What came of moments before is forgotten.
    kept_since: datetime
    lines: Sequence[Line]
    #: The name after which the next page begins.
    next: str | None

    @property
    def days(self) -> Sequence[datetime]:
        """The days of the week."""
        return [self.begin + number * DAY for number in range(DAYS)]


def place(begin: datetime, *, now: datetime, q: str = "", after: str = "", weeks: int = 0) -> str | None:
    """The page of so many weeks later; None where there is no calendar."""
    try:
        wanted = week_of(f"{begin + weeks * WEEK:%Y-%m-%d}", now=now)
    except (InvalidFields, OverflowError):
        return None
    asked = {"week": f"{wanted:%Y-%m-%d}", "q": q, "after": after}
    return f"{CALENDAR}?{urlencode({name: value for name, value in asked.items() if value})}"


def week_of(text: str, *, now: datetime) -> datetime:
    """When the week of that day begins, a Monday; of today, if none is given. Raises `InvalidFields`."""
    try:
        day = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        day = None
    if not text:
        day = now.date()
    begin = None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)
    if begin is None or not FIRST <= begin <= now + LONGEST:
        detail = (
            f"Give a day from {FIRST:%Y-%m-%d} until {now + LONGEST:%Y-%m-%d} that there is, such as "
            f"{now:%Y-%m-%d}"
        )
        raise InvalidFields([FieldError(detail=detail, parameter="week")])
    return begin - begin.weekday() * DAY


def look(*, begin: datetime, containing: str, after: str) -> Calendar | None:
    """A page of the week that begins then; None where that was cut off."""
    return answer(lambda session: _look(session, begin=begin, containing=containing, after=after))


def _look(session: Session, *, begin: datetime, containing: str, after: str) -> Calendar:
    found = service.list_schedules(session, containing=containing, after=after, limit=MAX_ROWS + 1)
    shown, at = _few_enough(found[:MAX_ROWS], begin=begin), db_now(session)
    days = week(session, shown, begin=begin, at=at)
    return Calendar(
        begin=begin,
        at=at,
        kept_since=kept_since(session),
        lines=[
            Line(row=row, days=days[row.entry.name], change=_change(row.entry, begin=begin))
            for row in rows_of(session, shown, at=at)
        ],
        next=shown[-1].name if len(shown) < len(found) else None,
    )


def _few_enough(entries: Iterable[ScheduleEntry], *, begin: datetime) -> list[ScheduleEntry]:
    shown: list[ScheduleEntry] = []
    total = 0
    for entry in entries:
        total += count(entry.rule, period=entry.period, begin=begin, end=begin + WEEK)
        if shown and total > MAX_MOMENTS:
            break
        shown.append(entry)
    return shown


def _change(entry: ScheduleEntry, *, begin: datetime) -> datetime | None:
    if entry.cron is None:
        return None
    days = (begin + number * DAY for number in range(DAYS))
    return next((day for day in days if changes_clock(entry.timezone, begin=day, end=day + DAY)), None)

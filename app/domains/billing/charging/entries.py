"""Approved time, and how it is cut by the days of whoever worked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.domains.billing.charging.bounds import check_id, check_own_id, check_year, name_of
from app.domains.billing.charging.errors import EndBeforeStart, EntryTooLong, NaiveTime
from app.domains.billing.charging.periods import midnight
from app.values.timezones import check_timezone

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LENGTH = timedelta(days=31)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What somebody worked on a project, `timezone` being the worker's; entries may overlap.

    Both times are turned to UTC, because Python subtracts two times of one zone as the clocks on the wall
    show them, and days with 23 and 25 hours would count 24.
    """

    id: int
    project_id: int
    worker_id: int
    timezone: str
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        check_own_id(self.id, what="an entry")
        check_id(self.project_id, what=f"the project of {self.name}")
        check_id(self.worker_id, what=f"the worker of {self.name}")
        check_timezone(self.timezone)
        object.__setattr__(self, "start", self._utc(self.start, what="start"))
        object.__setattr__(self, "end", self._utc(self.end, what="end"))
        if self.end < self.start:
            raise EndBeforeStart(entry=self.name, start=self.start, end=self.end)
        if self.length > MAX_LENGTH:
            hours = -(-self.length // _HOUR)
            raise EntryTooLong(entry=self.name, hours=hours, max_hours=MAX_LENGTH // _HOUR)

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return name_of("entry", self.id)

    def _utc(self, moment: datetime, *, what: str) -> datetime:
        if moment.utcoffset() is None:
            raise NaiveTime(entry=self.name, what=what, moment=moment)
        check_year(moment.year, what=f"{what} of {self.name}")
        return moment.astimezone(UTC)

    @property
    def length(self) -> timedelta:
        """How long it was, whatever clocks on the wall did meanwhile."""
        return self.end - self.start

    @property
    def order(self) -> tuple[datetime, datetime, int]:
        """What entries are worked off by, in whichever order they are given."""
        return self.start, self.end, self.id

    def day_in(self, zone: ZoneInfo) -> date:
        """The day on which it starts in `zone`."""
        return self.start.astimezone(zone).date()

    def by_day(self, rounded: int) -> Iterator[tuple[date, int]]:
        """Its `rounded` seconds by the worker's local days.

        What rounding adds or takes is added or taken at the end. A day of none is left out, unless it is all.
        """
        *before, (last, _) = self._days()
        done = 0
        for day, offset in before:
            until = min(rounded, offset // _SECOND)
            if until > done:  # where clocks go back over midnight, the day before can be over at its start
                yield day, until - done
                done = until
        if rounded > done or not rounded:
            yield last, rounded - done

    def _days(self) -> Iterator[tuple[date, timedelta]]:
        """The worker's days, each with how much of the entry is over when it ends; midnight ends a day."""
        zone = ZoneInfo(self.timezone)
        day = self.day_in(zone)
        while (next_day := midnight(day + _DAY, zone)) < self.end:
            yield day, next_day - self.start
            day += _DAY
        yield day, self.length

"""Billing periods: the months of a client's time zone."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Self

from app.domains.billing.charging.bounds import check_whole, check_year
from app.domains.billing.charging.errors import MalformedPeriod

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

MONTHS = 12
_FORM = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, kw_only=True, order=True, slots=True)
class Period:
    """A month, written YYYY-MM."""

    year: int
    month: int

    def __post_init__(self) -> None:
        check_whole(self.month, what="month of a billing period", low=1, high=MONTHS)
        check_year(self.year, what="billing period")

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The month that `text` names. Raises `MalformedPeriod`, and `YearNotAllowed`."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise MalformedPeriod(text=text)
        return cls(year=int(match[1]), month=int(match[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """The month that `day` lies in."""
        return cls(year=day.year, month=day.month)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return date(self.year, self.month, self.days)

    @property
    def days(self) -> int:
        """How many days it has."""
        return monthrange(self.year, self.month)[1]

    def months_since(self, other: Period) -> int:
        """How many months it is after `other`."""
        return MONTHS * (self.year - other.year) + self.month - other.month

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """When it begins and when it is over in `zone`: what starts in between belongs to it."""
        december = self.month == MONTHS
        after = date(self.year + december, 1 if december else self.month + 1, 1)
        return midnight(self.first, zone), midnight(after, zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When `day` begins in `zone`. Where clocks skip midnight, that is the moment of the change."""
    return datetime.combine(day, time(), zone).astimezone(UTC)

"""When a schedule fires: cron expressions and fixed intervals, in a time zone, pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from app.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: CronSim knows a sixth, for seconds.
FIELDS = 5


class Schedule(Protocol):
    """Something that fires at moments which depend on nothing but the clock."""

    def describe(self) -> str:
        """The schedule in words."""
        ...

    def previous(self, at: datetime) -> datetime:
        """The latest moment of firing that is not after `at`."""
        ...

    def next(self, after: datetime) -> datetime:
        """The first moment of firing after `after`."""
        ...


class InvalidCron(InvalidInput):
    """Raised for a cron expression that cannot be read or never fires."""

    code = "invalid_cron"

    def __init__(self, *, expression: str, problem: str) -> None:
        super().__init__(
            f'The cron expression "{expression}" is not usable: {problem}. '
            'It takes five fields, such as "0 2 * * *" for every day at 02:00.'
        )


@dataclass(frozen=True)
class Cron:
    """Fires when the wall clock of `timezone` matches; correct over changes of summer time."""

    expression: str
    timezone: str = "UTC"

    def describe(self) -> str:
        words = CronSim(self.expression, EPOCH).explain()
        return f"{words} ({self.timezone})"

    def previous(self, at: datetime) -> datetime:
        # CronSim walks strictly past its start, so the walk back begins just after `at`: a minute by the
        # clock of UTC, because one added to a wall clock is another when summer time ends.
        start = (at.astimezone(UTC) + timedelta(minutes=1)).replace(second=0, microsecond=0)
        back = CronSim(self.expression, start.astimezone(ZoneInfo(self.timezone)), reverse=True)
        return next(back).astimezone(UTC)

    def next(self, after: datetime) -> datetime:
        return next(CronSim(self.expression, after.astimezone(ZoneInfo(self.timezone)))).astimezone(UTC)


@dataclass(frozen=True)
class Every:
    """Fires at multiples of `interval` since 1970, so that every beat agrees on the moments."""

    interval: timedelta

    def describe(self) -> str:
        return f"Every {self.interval}"

    def previous(self, at: datetime) -> datetime:
        return EPOCH + (at - EPOCH) // self.interval * self.interval

    def next(self, after: datetime) -> datetime:
        return self.previous(after) + self.interval


def cron(expression: str, *, timezone: str = "UTC") -> Cron:
    """A schedule from a five-field cron expression. Raises `InvalidCron`, so that a typo fails at import."""
    fields = len(expression.split())
    if fields != FIELDS:
        raise InvalidCron(expression=expression, problem=f"it has {fields} fields")
    try:
        next(CronSim(expression, EPOCH))
        ZoneInfo(timezone)
    except StopIteration:
        raise InvalidCron(expression=expression, problem="it never fires") from None
    except (CronSimError, KeyError, ValueError) as error:
        raise InvalidCron(expression=expression, problem=str(error)) from None
    return Cron(expression, timezone)


def every(interval: timedelta) -> Every:
    """A schedule that fires every `interval`, at least one second."""
    if interval < timedelta(seconds=1):
        raise InvalidInput(f"The interval {interval} is shorter than a second; make it at least one.")
    return Every(interval)

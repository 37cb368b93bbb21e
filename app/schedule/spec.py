"""When a schedule fires: cron expressions, fixed intervals and single moments; pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from app.errors import InvalidInput
from app.schedule.policies import Policies

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: CronSim knows a sixth, for seconds.
FIELDS = 5
SHORTEST = timedelta(seconds=1)
LONGEST = timedelta(days=3660)
USUAL = Policies()


class Schedule(Protocol):
    """Something that fires at moments which depend on nothing but the clock."""

    @property
    def policies(self) -> Policies:
        """What becomes of moments that are missed, crowded or late."""
        ...

    def describe(self) -> str:
        """The schedule in words."""
        ...

    def previous(self, at: datetime) -> datetime | None:
        """The latest moment of firing that is not after `at`."""
        ...

    def next(self, after: datetime) -> datetime | None:
        """The first moment of firing after `after`; None when there is none any more."""
        ...


class InvalidCron(InvalidInput):
    """Raised for a cron expression that cannot be read or never fires."""

    code = "invalid_cron"

    def __init__(self, *, expression: str, problem: str) -> None:
        super().__init__(
            f'The cron expression "{expression}" is not usable: {problem}. '
            'It takes five fields, such as "0 2 * * *" for every day at 02:00.'
        )


class InvalidInterval(InvalidInput):
    """Raised for an interval that is too short or too long."""

    code = "invalid_interval"

    def __init__(self, *, interval: timedelta) -> None:
        super().__init__(
            f"The interval {interval} is not usable: give at least {SHORTEST.seconds} second and at most "
            f"{LONGEST.days} days."
        )


@dataclass(frozen=True)
class Cron:
    """Fires when the wall clock of `timezone` matches; correct over changes of summer time."""

    expression: str
    timezone: str = "UTC"
    policies: Policies = USUAL

    def describe(self) -> str:
        words = CronSim(self.expression, EPOCH).explain()
        return f"{words} ({self.timezone})"

    def previous(self, at: datetime) -> datetime | None:
        # CronSim walks strictly past its start, so the walk back begins just after `at`: a minute by the
        # clock of UTC, because one added to a wall clock is another when summer time ends.
        start = (at.astimezone(UTC) + timedelta(minutes=1)).replace(second=0, microsecond=0)
        back = CronSim(self.expression, start.astimezone(ZoneInfo(self.timezone)), reverse=True)
        found = next(back).astimezone(UTC)
        # From the hour that comes a second time, it walks back past a moment of the first.
        while (later := self.next(found)) is not None and later <= at:
            found = later
        return found

    def next(self, after: datetime) -> datetime | None:
        # In the hour that comes a second time, CronSim begins with a moment of the first.
        walk = CronSim(self.expression, after.astimezone(ZoneInfo(self.timezone)))
        moments = (moment.astimezone(UTC) for moment in walk)
        return next((moment for moment in moments if moment > after), None)


@dataclass(frozen=True)
class Every:
    """Fires at multiples of `interval` since 1970, so that every beat agrees on the moments."""

    interval: timedelta
    policies: Policies = USUAL

    def describe(self) -> str:
        return f"Every {self.interval}"

    def previous(self, at: datetime) -> datetime:
        return EPOCH + (at - EPOCH) // self.interval * self.interval

    def next(self, after: datetime) -> datetime:
        return self.previous(after) + self.interval


@dataclass(frozen=True)
class Once:
    """Fires at one moment."""

    at: datetime
    policies: Policies = USUAL

    def describe(self) -> str:
        return f"Once at {self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} (UTC)"

    def previous(self, at: datetime) -> datetime | None:
        return self.at if self.at <= at else None

    def next(self, after: datetime) -> datetime | None:
        return self.at if self.at > after else None


def cron(expression: str, *, timezone: str = "UTC", policies: Policies = USUAL) -> Cron:
    """A schedule from a five-field cron expression. Raises `InvalidCron`, so that a typo fails at import."""
    fields = len(expression.split())
    if fields != FIELDS:
        raise InvalidCron(expression=expression, problem=f"it has {fields} fields")
    try:
        next(CronSim(expression, EPOCH))
        ZoneInfo(timezone)
    except StopIteration:
        raise InvalidCron(expression=expression, problem="it never fires") from None
    except (CronSimError, KeyError, ValueError, OSError) as error:
        raise InvalidCron(expression=expression, problem=str(error)) from None
    return Cron(expression, timezone, policies)


def every(interval: timedelta, *, policies: Policies = USUAL) -> Every:
    """A schedule that fires every `interval`, at least one second."""
    if not SHORTEST <= interval <= LONGEST:
        raise InvalidInterval(interval=interval)
    return Every(interval, policies)

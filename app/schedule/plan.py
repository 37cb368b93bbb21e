"""Which moments of a schedule are to be fired now: pure arithmetic on what beat saw last and the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from app.schedule.policies import Misfire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.schedule.spec import Schedule

#: A moment seen within this is on time: so long may a change of leader take.
ON_TIME = timedelta(seconds=60)
#: More moments of one schedule than this wait for the next tick.
AT_ONCE = 100
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Period:
    """The part of time in which a schedule fires at all; both ends belong to it."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def next(self, rule: Schedule, *, after: datetime) -> datetime | None:
        """The first moment of `rule` after `after` in this period."""
        if self.starts_at is not None:
            after = max(after, self.starts_at - _INSTANT)
        moment = rule.next(after)
        if moment is None or (self.ends_at is not None and moment > self.ends_at):
            return None
        return moment

    def between(self, rule: Schedule, *, after: datetime, upto: datetime) -> Iterator[datetime]:
        """The moments of `rule` in this period after `after`, `upto` itself among them."""
        moment = self.next(rule, after=after)
        while moment is not None and moment <= upto:
            yield moment
            moment = self.next(rule, after=moment)


ALWAYS = Period()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do about a schedule now."""

    #: To be fired, the oldest first.
    moments: tuple[datetime, ...]
    #: The oldest moment that is not fired because it is too late.
    missed: datetime | None
    #: Moments up to this one are dealt with then.
    seen_until: datetime


def plan(
    rule: Schedule,
    *,
    seen_until: datetime,
    now: datetime,
    misfire: Misfire,
    grace: timedelta,
    period: Period = ALWAYS,
    most: int | None = None,
) -> Plan:
    """What is to be fired of the moments after `seen_until`, up to `now`; `most` of them altogether."""
    oldest = period.next(rule, after=seen_until)
    if oldest is None or oldest > now:
        return Plan(moments=(), missed=None, seen_until=max(seen_until, now))
    since = grace if misfire is Misfire.ALL else min(ON_TIME, grace)
    after = max(seen_until, now - since - _INSTANT)
    moments = tuple(islice(period.between(rule, after=after, upto=now), most or AT_ONCE))
    if not moments and misfire is Misfire.ONCE:
        moments = _latest(rule, period=period, after=max(seen_until, now - grace - _INSTANT), now=now)
    missed = oldest if not moments or oldest < moments[0] else None
    seen = moments[-1] if len(moments) == AT_ONCE else max(seen_until, now)
    return Plan(moments=moments, missed=missed, seen_until=seen)


def _latest(rule: Schedule, *, period: Period, after: datetime, now: datetime) -> tuple[datetime, ...]:
    upto = now if period.ends_at is None else min(now, period.ends_at)
    latest = rule.previous(upto)
    if latest is None or latest <= after or (period.starts_at is not None and latest < period.starts_at):
        return ()
    return (latest,)

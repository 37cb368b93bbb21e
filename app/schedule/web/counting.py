"""How many moments a schedule has in a stretch of time; to count a day takes no longer than a few of them."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronsim import CronSim

from app.schedule.plan import ALWAYS
from app.schedule.spec import EPOCH, Cron, Every

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.schedule.plan import Period
    from app.schedule.spec import Schedule

DAY, MINUTE, INSTANT = timedelta(days=1), timedelta(minutes=1), timedelta(microseconds=1)
#: So near a change of a zone's clock, an hour may come twice or not at all.
CHANGE = timedelta(hours=3)
#: So many days of changes are remembered: each took as long as all its moments.
MAX_REMEMBERED = 4_096


def count(rule: Schedule, *, period: Period = ALWAYS, begin: datetime, end: datetime) -> int:
    """The moments of `rule` in `period` from `begin` until just before `end`."""
    if period.starts_at is not None:
        begin = max(begin, period.starts_at)
    if period.ends_at is not None:
        end = min(end, period.ends_at + INSTANT)
    if begin >= end:
        return 0
    if isinstance(rule, Every):
        return (end - INSTANT - EPOCH) // rule.interval - (begin - INSTANT - EPOCH) // rule.interval
    if isinstance(rule, Cron):
        return sum(_in_part(rule, *part) for part in _by_days(begin, end))
    moment = rule.next(begin - INSTANT)
    return int(moment is not None and moment < end)


def changes_clock(timezone: str, *, begin: datetime, end: datetime) -> bool:
    """Whether the clocks of a zone show another time at the end than they would have."""
    zone = ZoneInfo(timezone)
    return begin.astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset()


def _by_days(begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """That time, cut where a day of UTC ends."""
    while begin < end:
        midnight = begin.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        yield begin, min(midnight, end)
        begin = midnight


def _in_part(rule: Cron, begin: datetime, end: datetime) -> int:
    if changes_clock(rule.timezone, begin=begin - CHANGE, end=end + CHANGE):
        return _one_by_one(rule.expression, rule.timezone, begin, end)
    zone = ZoneInfo(rule.timezone)
    there, until = (moment.astimezone(zone).replace(tzinfo=None) for moment in (begin, end))
    walk, total = CronSim(rule.expression, there), 0
    minutes = sorted(walk.minutes)
    midnight = there.replace(hour=0, minute=0, second=0, microsecond=0)
    while midnight < until:
        if midnight.month in walk.months and walk.match_day(midnight.date()):
            first, last = (-((midnight - edge) // MINUTE) for edge in (there, until))
            total += sum(
                bisect_left(minutes, last - 60 * hour) - bisect_left(minutes, first - 60 * hour)
                for hour in walk.hours
            )
        midnight += DAY
    return total


@lru_cache(maxsize=MAX_REMEMBERED)
def _one_by_one(expression: str, timezone: str, begin: datetime, end: datetime) -> int:
    rule = Cron(expression, timezone)
    return sum(1 for _ in ALWAYS.between(rule, after=begin - INSTANT, upto=end - INSTANT))

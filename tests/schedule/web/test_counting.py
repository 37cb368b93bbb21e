"""Moments of schedules are counted without looking at each, and come to the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.schedule.plan import ALWAYS, Period
from app.schedule.spec import Once, Schedule, cron, every
from app.schedule.web.counting import count

ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"),
    *("Asia/Jerusalem", "Atlantic/Azores", "America/Havana", "Africa/Casablanca"),
)
EXPRESSIONS = (
    *("*/7 * * * *", "0 2 * * *", "30 1,2 * * *", "15 1-3 * * 0", "0 */5 * * *"),
    *("0 0 1 * *", "0 0 L * *", "5 4 * 3,10 1-5", "0 12 1 * 1", "0 0 * * 5#2", "10 0 29 2 *"),
)
CRONS = st.builds(cron, st.sampled_from(EXPRESSIONS), timezone=st.sampled_from(ZONES))
INTERVALS = st.builds(every, st.timedeltas(timedelta(minutes=7), timedelta(days=40)))
AT = datetime(2026, 11, 29, 6, 30, tzinfo=UTC)
MOMENTS = st.integers(0, 15 * 366 * 24 * 3600).map(
    lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
LENGTHS = st.timedeltas(timedelta(0), timedelta(days=2))


def one_by_one(rule: Schedule, *, period: Period, begin: datetime, end: datetime) -> int:
    instant = timedelta(microseconds=1)
    return len(list(period.between(rule, after=begin - instant, upto=end - instant)))


@settings(deadline=None)
@given(CRONS | INTERVALS, MOMENTS, LENGTHS)
@example(
    cron("* * * * *", timezone="Europe/Berlin"), datetime(2026, 10, 24, 12, tzinfo=UTC), timedelta(days=2)
)
@example(cron("30 2 * * *", timezone="Europe/Berlin"), datetime(2026, 3, 29, tzinfo=UTC), timedelta(days=1))
@example(cron("30 1 * * *", timezone="Asia/Jerusalem"), datetime(2026, 10, 25, tzinfo=UTC), timedelta(days=1))
def test_as_many_are_counted_as_there_are(rule: Schedule, begin: datetime, length: timedelta) -> None:
    end = begin + length
    assert count(rule, begin=begin, end=end) == one_by_one(rule, period=ALWAYS, begin=begin, end=end)


@settings(deadline=None)
@given(CRONS | INTERVALS, MOMENTS, LENGTHS, MOMENTS, LENGTHS)
def test_both_ends_of_a_period_belong_to_it(
    rule: Schedule, begin: datetime, length: timedelta, starts_at: datetime, lasts: timedelta
) -> None:
    period = Period(starts_at=starts_at, ends_at=starts_at + lasts)
    span = {"begin": max(begin, starts_at - length), "end": starts_at + length}
    assert count(rule, period=period, **span) == one_by_one(rule, period=period, **span)


@pytest.mark.parametrize(
    ("begin", "expected"), [(AT, 1), (AT + timedelta(microseconds=1), 0), (AT - timedelta(days=1), 0)]
)
def test_a_single_moment_is_one_or_none(begin: datetime, expected: int) -> None:
    assert count(Once(AT), begin=begin, end=begin + timedelta(days=1)) == expected

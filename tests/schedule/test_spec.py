"""When schedules fire: on the wall clock of their zone, over every change of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.schedule.plan import ALWAYS
from app.schedule.spec import InvalidCron, Schedule, cron, every

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
EXPRESSIONS = (
    "0 2 * * *",
    "30 2 * * *",
    "0 * * * *",
    "*/15 * * * *",
    "15 1-3 * * 0",
    "0 0 1 * *",
    "5 4 * * 1-5",
)
CRONS = st.builds(cron, st.sampled_from(EXPRESSIONS), timezone=st.sampled_from(ZONES))
INTERVALS = st.builds(every, st.timedeltas(timedelta(seconds=1), timedelta(days=40)))
MOMENTS = st.integers(0, 15 * 366 * 24 * 3600).map(
    lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


def moments(schedule: Schedule, start: datetime, *, until: datetime) -> list[datetime]:
    return list(ALWAYS.between(schedule, after=start, upto=until))


def around(schedule: Schedule, at: datetime) -> tuple[datetime, datetime]:
    """The moments before and after `at`, for a schedule that has both."""
    previous, following = schedule.previous(at), schedule.next(at)
    assert previous
    assert following
    return previous, following


@given(CRONS | INTERVALS, MOMENTS)
def test_next_lies_ahead_and_previous_does_not(schedule: Schedule, at: datetime) -> None:
    previous, following = around(schedule, at)
    assert following > at >= previous


@given(CRONS | INTERVALS, MOMENTS)
def test_the_moment_before_the_next_one_is_the_previous_one(schedule: Schedule, at: datetime) -> None:
    previous, following = around(schedule, at)
    assert schedule.previous(following) == following
    assert schedule.previous(following - timedelta(microseconds=1)) == previous
    assert schedule.next(previous) == following


@given(CRONS, MOMENTS)
def test_a_moment_is_a_whole_minute_in_utc(schedule: Schedule, at: datetime) -> None:
    _, moment = around(schedule, at)
    assert (moment.tzinfo, moment.second, moment.microsecond) == (UTC, 0, 0)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        # 02:30 does not exist in Berlin on the first of these days, and comes twice on the second.
        (datetime(2026, 3, 28, 12, tzinfo=UTC), ["29 01:00", "30 00:30", "31 00:30"]),
        (datetime(2026, 10, 24, 12, tzinfo=UTC), ["25 00:30", "26 01:30", "27 01:30"]),
    ],
    ids=["spring", "autumn"],
)
def test_a_daily_schedule_fires_once_a_day_over_a_change_of_summer_time(
    start: datetime, expected: list[str]
) -> None:
    fired = moments(cron("30 2 * * *", timezone="Europe/Berlin"), start, until=start + timedelta(days=3))
    assert [f"{moment:%d %H:%M}" for moment in fired] == expected


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_an_hourly_schedule_fires_every_hour_over_a_change_of_summer_time(day: datetime) -> None:
    start, end = day - timedelta(hours=3), day + timedelta(hours=6)
    fired = moments(cron("0 * * * *", timezone="Europe/Berlin"), start, until=end)
    assert fired == [start + timedelta(hours=number) for number in range(1, 10)]


def test_looking_back_within_the_hour_that_comes_twice_finds_no_moment_to_come() -> None:
    at = datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC)
    assert cron("0 * * * *", timezone="Europe/Berlin").previous(at) == datetime(2026, 10, 25, tzinfo=UTC)


def test_within_the_hour_that_comes_twice_a_moment_of_its_first_time_is_past() -> None:
    daily = cron("30 2 * * *", timezone="Europe/Berlin")
    first, following = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    for minute in range(0, 120, 5):
        at = datetime(2026, 10, 25, 0, 35, tzinfo=UTC) + timedelta(minutes=minute)
        assert (daily.previous(at), daily.next(at)) == (first, following)


def test_every_beat_agrees_on_the_moments_of_an_interval() -> None:
    at = datetime(2026, 1, 1, 0, 7, tzinfo=UTC)
    assert every(timedelta(minutes=10)).previous(at) == datetime(2026, 1, 1, tzinfo=UTC)
    assert every(timedelta(minutes=10)).next(at) == datetime(2026, 1, 1, 0, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "timezone", "problem"),
    [
        ("0 2 * *", "UTC", "4 fields"),
        ("*/5 0 2 * * *", "UTC", "6 fields"),
        ("61 2 * * *", "UTC", "Bad minute"),
        ("0 0 30 2 *", "UTC", "Bad day-of-month"),
        ("0 2 * * *", "Europe/Atlantis", "Europe/Atlantis"),
        ("0 2 * * *", "../etc", "etc"),
    ],
)
def test_a_cron_expression_that_cannot_work_fails_where_it_is_written(
    expression: str, timezone: str, problem: str
) -> None:
    with pytest.raises(InvalidCron, match="is not usable") as raised:
        cron(expression, timezone=timezone)
    assert problem in str(raised.value)
    assert expression in str(raised.value)


def test_an_interval_below_a_second_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 1 second"):
        every(timedelta(milliseconds=999))


def test_a_schedule_describes_itself_in_words() -> None:
    assert cron("0 2 * * *", timezone="Europe/Berlin").describe() == "At 02:00 every day (Europe/Berlin)"
    assert every(timedelta(hours=6)).describe() == "Every 6:00:00"

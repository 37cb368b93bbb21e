"""Each entry is rounded by itself, each line once. An hour costs 90.00: a minute 150 cents, a second 2.5."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from app.domains.billing.charging.entries import Entry
from app.domains.billing.charging.rounding import Direction, half_up
from tests.domains.billing.charging.work import BERLIN, Case, hourly, rounded, worked

UP, NEAREST, DOWN = Direction.UP, Direction.NEAREST, Direction.DOWN


@pytest.mark.parametrize(
    ("minutes", "direction", "end", "time", "net"),
    [
        (15, UP, "10:01", "1:15", 11250),  # 75 x 150
        (15, UP, "10:00", "1:00", 9000),
        (15, UP, "09:14:59", "0:15", 2250),  # 15 x 150
        (15, DOWN, "10:14:59", "1:00", 9000),
        (15, DOWN, "09:14", "0:00", 0),
        (15, DOWN, "09:15", "0:15", 2250),
        (15, NEAREST, "10:07:30", "1:15", 11250),  # the middle goes up
        (15, NEAREST, "10:07:29", "1:00", 9000),
        (6, NEAREST, "09:03", "0:06", 900),  # 6 x 150
        (6, NEAREST, "09:02:59", "0:00", 0),
        (0, NEAREST, "09:10:01", "0:10:01", 1503),  # 601 x 2.5 = 1502.5
        (0, UP, "09:10:01", "0:10:01", 1503),
        (0, DOWN, "09:00:01", "0:00:01", 3),  # 2.5
        (60, UP, "09:00", "0:00", 0),  # nothing stays nothing
        (0, NEAREST, "09:00", "0:00", 0),
    ],
)
def test_an_entry_is_rounded_in_its_direction(
    minutes: int, direction: Direction, end: str, time: str, net: int
) -> None:
    Case(
        rules=(hourly(rounding=rounded(minutes, direction)),),
        entries=(worked("2026-03-02 09:00", f"2026-03-02 {end}"),),
        lines=(("time", time, net),),
    ).check()


@pytest.mark.parametrize(
    ("minutes", "half", "net"),
    [
        (1, "09:00:30", 150),
        (2, "09:01", 300),  # 2 x 150
        (3, "09:01:30", 450),
        (4, "09:02", 600),
        (5, "09:02:30", 750),
        (6, "09:03", 900),
        (10, "09:05", 1500),
        (12, "09:06", 1800),
        (15, "09:07:30", 2250),
        (20, "09:10", 3000),
        (30, "09:15", 4500),
        (60, "09:30", 9000),
    ],
)
def test_half_an_increment_is_a_whole_one_to_the_nearest_and_none_downwards(
    minutes: int, half: str, net: int
) -> None:
    entries = (worked("2026-03-02 09:00", f"2026-03-02 {half}"),)
    whole = f"{minutes // 60}:{minutes % 60:02}"
    for direction, time, cost in ((UP, whole, net), (NEAREST, whole, net), (DOWN, "0:00", 0)):
        rules = (hourly(rounding=rounded(minutes, direction)),)
        Case(rules=rules, entries=entries, lines=(("time", time, cost),)).check()


@pytest.mark.parametrize(
    ("rate", "minutes", "ends", "time", "net"),
    [
        (90_00, 15, ["09:01", "09:01"], "0:30", 4500),  # two times 15 minutes, not one
        (
            90_00,
            0,
            ["09:10:01", "09:10:01", "09:10:01"],
            "0:30:03",
            4508,
        ),  # 1803 x 2.5 = 4507.5, not 3 x 1503
        (100_00, 0, ["09:20"], "0:20", 3333),  # 10000 / 3
        (100_00, 0, ["09:20", "09:20"], "0:40", 6667),  # 20000 / 3 = 6666.67, not 2 x 3333
        (100_00, 0, ["09:00:10"], "0:00:10", 28),  # 10000 / 360 = 27.78
        (0, 15, ["10:00"], "1:00", 0),  # for nothing
    ],
)
def test_a_line_is_rounded_once_over_all_of_its_entries(
    rate: int, minutes: int, ends: list[str], time: str, net: int
) -> None:
    entries = [worked("2026-03-02 09:00", f"2026-03-02 {end}", number=n) for n, end in enumerate(ends, 1)]
    Case(
        rules=(hourly(rate, rounding=rounded(minutes)),),
        entries=tuple(entries),
        lines=(("time", time, net),),
    ).check()


@pytest.mark.parametrize(("direction", "seconds"), [(UP, 1), (NEAREST, 1), (DOWN, 0)])
def test_half_a_second_is_rounded_to_a_whole_one_as_minutes_are(direction: Direction, seconds: int) -> None:
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    end = start + timedelta(milliseconds=500)
    entry = Entry(id=1, project_id=1, worker_id=1, timezone=BERLIN, start=start, end=end)

    assert rounded(0, direction).seconds(entry.length) == seconds


@pytest.mark.parametrize(
    ("exact", "whole"),
    [("1/2", 1), ("-1/2", -1), ("3/2", 2), ("5/2", 3), ("1249/500", 2), ("-5/2", -3), ("0", 0)],
)
def test_half_a_minor_unit_is_rounded_away_from_zero(exact: str, whole: int) -> None:
    assert half_up(Fraction(exact)) == whole

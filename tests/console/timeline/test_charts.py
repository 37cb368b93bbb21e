"""Lanes are drawn to one axis, and whatever is in them stays within."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from app.console.timeline.asked import SPANS, asked
from app.console.timeline.charts import HEIGHT, WIDTH, Axis, Bar, Mark, bars, rectangles
from app.jobs.statistics.figures import Step
from app.values.field_errors import InvalidFields

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)
AXIS = Axis(begin=NOON, end=NOON + 10 * AN_HOUR)


def test_bars_are_as_high_as_their_values_and_nothing_is_drawn_of_nothing() -> None:
    of = [
        Bar(at=NOON + hour * AN_HOUR, lasts=AN_HOUR, value=value) for hour, value in ((0, 10), (1, 5), (2, 0))
    ]
    assert bars(AXIS, of, most=10) == "M0 60V0H99.5V60zM100 60V30H199.5V60z"
    assert bars(AXIS, [], most=0) == ""


def test_of_a_little_beside_much_something_is_seen() -> None:
    of = [Bar(at=NOON, lasts=AN_HOUR, value=1)]
    assert bars(AXIS, of, most=1_000_000) == "M0 60V58.5H99.5V60z"


def test_what_began_before_or_lasts_longer_stays_within() -> None:
    marks = [
        Mark(at=NOON - AN_HOUR, until=NOON + AN_HOUR, text="before"),
        Mark(at=AXIS.end, until=AXIS.end + AN_HOUR, text="after"),
        Mark(at=NOON + AN_HOUR, until=NOON + AN_HOUR, text="a moment"),
    ]
    assert rectangles(AXIS, marks) == [
        (0.0, 100.0, "before"),
        (996.0, 4.0, "after"),
        (100.0, 4.0, "a moment"),
    ]
    path = bars(AXIS, [Bar(at=NOON - AN_HOUR, lasts=30 * AN_HOUR, value=1e300)], most=1.0)
    assert all(0 <= float(number) <= WIDTH for number in re.findall(r"[MH]([-\d.]+)", path))
    assert all(0 <= float(number) <= HEIGHT for number in re.findall(r"V([-\d.]+)", path))


@pytest.mark.parametrize("name", SPANS)
def test_a_span_is_whole_steps_that_a_page_has_room_for(name: str) -> None:
    wanted = asked({"span": name}, now=NOON + timedelta(seconds=1))
    assert (wanted.axis.end - wanted.axis.begin) / wanted.step.length <= 200
    assert wanted.axis.begin.timestamp() % wanted.step.length.total_seconds() == 0
    assert wanted.axis.end >= NOON


def test_where_minutes_are_not_kept_any_more_there_are_hours() -> None:
    assert asked({"span": "1d"}, now=NOON).step is Step.QUARTER
    assert asked({"span": "1d", "until": "2026-03-12T12:00"}, now=NOON).step is Step.HOUR


def test_it_goes_back_and_comes_forward_until_now() -> None:
    now = asked({"span": "1h"}, now=NOON)
    assert now.place(steps=-1) == "/console/timeline?span=1h&until=2026-03-14T11%3A00"
    before = asked({"span": "1h", "until": "2026-03-14T11:00"}, now=NOON)
    assert before.place(steps=1) == "/console/timeline?span=1h"


@pytest.mark.parametrize(
    "query",
    [
        {"span": "2h"},
        {"span": "1h" * 10_000},
        {"until": "yesterday"},
        {"until": "2026-02-30T00:00"},
        {"until": "1999-12-31T23:59"},
        {"until": "9999-12-31T23:59"},
        {"until": "0001-01-01T00:00"},
        {"until": "2026-03-14T11:00\u0660"},
        {"colour": "red"},
    ],
)
def test_what_is_no_time_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(InvalidFields):
        asked(query, now=NOON)

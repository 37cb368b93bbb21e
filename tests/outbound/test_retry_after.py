"""The pause that another service asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from app.outbound.retry_after import LONGEST_PAUSE, pause_asked_for


def in_an_hour_less_a_minute(*, gmt: bool) -> str:
    then = datetime.now(UTC) + timedelta(minutes=59)
    # Without a zone the date is written with -0000 and read back as naive.
    return format_datetime(then, usegmt=True) if gmt else format_datetime(then.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        ("90", timedelta(seconds=90)),
        ("0", timedelta()),
        ("9" * 40, LONGEST_PAUSE),
        ("Thu, 01 Jan 1970 00:00:00 GMT", timedelta()),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_PAUSE),
    ],
)
def test_seconds_and_dates_are_understood_within_reason(value: str, pause: timedelta) -> None:
    assert pause_asked_for(value) == pause


def test_a_date_is_a_distance_from_now() -> None:
    pause = pause_asked_for(in_an_hour_less_a_minute(gmt=True))
    assert pause is not None
    assert timedelta(minutes=58) < pause <= timedelta(minutes=59)


@pytest.mark.parametrize("nonsense", ["", "soon", "-5", "1.5"])
def test_anything_else_asks_for_nothing(nonsense: str) -> None:
    assert pause_asked_for(nonsense) is None


def test_a_date_without_a_zone_asks_for_nothing() -> None:
    assert pause_asked_for(in_an_hour_less_a_minute(gmt=False)) is None

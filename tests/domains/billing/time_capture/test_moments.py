"""Moments by an offset or by a clock, on days with 23 and 25 hours, too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from app.domains.billing.charging.errors import YearNotAllowed
from app.domains.billing.time_capture.errors import MalformedTime, NeverOnThatClock, TwiceOnThatClock
from app.domains.billing.time_capture.moments import moment_of

if TYPE_CHECKING:
    from app.errors import InvalidInput

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "timezone", "moment"),
    [
        ("2026-03-02T09:00", BERLIN, "2026-03-02T08:00:00"),
        ("2026-03-02 09:00:30", BERLIN, "2026-03-02T08:00:30"),
        ("2026-07-02T09:00:00.250000", BERLIN, "2026-07-02T07:00:00.250000"),
        ("2026-03-02T09:00Z", BERLIN, "2026-03-02T09:00:00"),
        ("2026-03-02T09:00-05:30", BERLIN, "2026-03-02T14:30:00"),
        ("2028-02-29T00:00", "Asia/Kathmandu", "2028-02-28T18:15:00"),
        # The night in which clocks go forward at 02:00, and the one in which they go back at 03:00.
        ("2026-03-29T01:59", BERLIN, "2026-03-29T00:59:00"),
        ("2026-03-29T03:00", BERLIN, "2026-03-29T01:00:00"),
        ("2026-03-29T02:30+01:00", BERLIN, "2026-03-29T01:30:00"),
        ("2026-10-25T01:59", BERLIN, "2026-10-24T23:59:00"),
        ("2026-10-25T03:00", BERLIN, "2026-10-25T02:00:00"),
        ("2026-10-25T02:30+02:00", BERLIN, "2026-10-25T00:30:00"),
        ("2026-10-25T02:30+01:00", BERLIN, "2026-10-25T01:30:00"),
    ],
)
def test_a_moment_is_read(text: str, timezone: str, moment: str) -> None:
    found = moment_of(text, timezone=timezone, what="start")
    assert found == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-03-29T02:00", "2026-03-29T02:59:59.999999"])
def test_an_hour_that_clocks_skipped_never_was(text: str) -> None:
    refused(text, NeverOnThatClock, f"{text} never was in Europe/Berlin, where clocks were put forward")


@pytest.mark.parametrize("text", ["2026-10-25T02:00", "2026-10-25T02:59:59.999999"])
def test_an_hour_that_clocks_showed_twice_needs_its_offset(text: str) -> None:
    says = f"Say which by its offset: {text}+02:00 or {text}+01:00."
    refused(text, TwiceOnThatClock, says)


def test_what_is_offered_for_an_hour_that_was_twice_is_understood() -> None:
    first = moment_of("2026-10-25T02:30+02:00", timezone=BERLIN, what="start")
    second = moment_of("2026-10-25T02:30+01:00", timezone=BERLIN, what="start")
    assert (second - first).total_seconds() == 3600


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", '"" is not a time: write it like 2026-03-02T09:00'),
        ("tomorrow", '"tomorrow" is not a time'),
        ("2026-03-02", "is not a time"),
        ("20260302T0900", "is not a time"),
        ("2026-02-30T09:00", "is not a time"),
        ("2026-03-02T24:00", "is not a time"),
        ("2026-03-02T09:00:60", "is not a time"),
        ("2026-03-02T09:00+25:00", "is not a time"),
        ("0000-01-01T00:00", "is not a time"),
        ("\u0662026-03-02T09:00", "is not a time"),
        ("2026-03-02T09:00\n", r'"2026-03-02T09:00\n" is not a time'),
        ("\ud800\0", r'"\ud800\x00" is not a time'),
        ("9" * 1_000_000, f'"{"9" * 80}…" is not a time'),
    ],
)
def test_what_is_no_moment(text: str, says: str) -> None:
    refused(text, MalformedTime, says)


@pytest.mark.parametrize("year", ["0001", "1969", "2200", "9999"])
def test_a_far_year_is_refused(year: str) -> None:
    refused(f"{year}-01-01T00:00", YearNotAllowed, f"The start is in the year {int(year)}: give one from")
    refused(f"{year}-12-31T23:59-23:59", YearNotAllowed, "give one from 1970 to 2199")


def refused(text: str, error: type[InvalidInput], says: str) -> None:
    with pytest.raises(error) as caught:
        moment_of(text, timezone=BERLIN, what="start")
    assert says in str(caught.value)
    str(caught.value).encode()

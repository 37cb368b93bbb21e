"""Each is counted by itself, and whoever was idle may do some things at once."""

from __future__ import annotations

import pytest

from app.http.rates import MAX_REMEMBERED, Rates

PER_SECOND = 1


@pytest.fixture
def rates() -> Rates:
    """One thing in a second, and two at once."""
    return Rates(burst_seconds=1.5)


def done(rates: Rates, who: str, *, times: int = 20) -> int:
    """How many of so many in a row need not wait."""
    return sum(not rates.is_over(who, per_second=PER_SECOND) for _ in range(times))


def test_who_does_too_much_at_once_waits_and_nobody_else_does(rates: Rates) -> None:
    assert 2 <= done(rates, "ann") < 20
    assert done(rates, "bob") >= 2


def test_what_is_taken_back_counts_for_nothing(rates: Rates) -> None:
    for _ in range(50):
        assert not rates.is_over("ann", per_second=PER_SECOND)
        rates.take_back("ann", per_second=PER_SECOND)


def test_what_was_forgotten_meanwhile_is_not_taken_back(rates: Rates) -> None:
    rates.take_back("nobody", per_second=PER_SECOND)
    assert done(rates, "nobody", times=2) == 2


def test_no_more_are_remembered_than_there_is_room_for(rates: Rates) -> None:
    for number in range(MAX_REMEMBERED + 2):
        rates.is_over(str(number), per_second=PER_SECOND)
    assert len(rates._done_at) == 2

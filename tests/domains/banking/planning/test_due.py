from __future__ import annotations

import calendar
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.banking.models import BillRule
from app.domains.banking.planning.due import due_after, on_day

AGAIN = [BillRule.WEEKLY, BillRule.MONTHLY, BillRule.QUARTERLY, BillRule.YEARLY]
MONTHS = {BillRule.MONTHLY: 1, BillRule.QUARTERLY: 3, BillRule.YEARLY: 12}


@pytest.mark.parametrize(
    ("due", "rule", "due_day", "after"),
    [
        ("2026-01-31", BillRule.MONTHLY, 31, "2026-02-28"),
        ("2026-02-28", BillRule.MONTHLY, 31, "2026-03-31"),
        ("2028-01-30", BillRule.MONTHLY, 30, "2028-02-29"),
        ("2026-12-15", BillRule.MONTHLY, 15, "2027-01-15"),
        ("2026-11-30", BillRule.QUARTERLY, 30, "2027-02-28"),
        ("2027-02-28", BillRule.QUARTERLY, 30, "2027-05-30"),
        ("2024-02-29", BillRule.YEARLY, 29, "2025-02-28"),
        ("2027-02-28", BillRule.YEARLY, 29, "2028-02-29"),
        ("2027-02-28", BillRule.YEARLY, 28, "2028-02-28"),
        ("2026-12-29", BillRule.WEEKLY, 29, "2027-01-05"),
    ],
)
def test_a_bill_is_due_again(due: str, rule: BillRule, due_day: int, after: str) -> None:
    assert due_after(date.fromisoformat(due), rule=rule, due_day=due_day) == date.fromisoformat(after)


def test_a_bill_that_comes_once_is_due_no_more() -> None:
    assert due_after(date(2026, 1, 31), rule=BillRule.ONCE, due_day=31) is None


@given(
    year=st.integers(2000, 2199),
    month=st.integers(1, 12),
    due_day=st.integers(1, 31),
    rule=st.sampled_from(AGAIN),
)
def test_due_dates_grow_and_keep_their_day(year: int, month: int, due_day: int, rule: BillRule) -> None:
    due = on_day(due_day, year=year, month=month)
    for step in range(1, 40):
        after = due_after(due, rule=rule, due_day=due_day)
        assert after is not None
        assert after > due
        if rule is BillRule.WEEKLY:
            assert after - due == timedelta(days=7)
        else:
            assert (after.year - year) * 12 + after.month - month == step * MONTHS[rule]
            assert after.day == min(due_day, calendar.monthrange(after.year, after.month)[1])
        due = after

"""What is above the cap, here of 10 hours in a period, is listed and costs nothing."""

from __future__ import annotations

import pytest

from tests.domains.billing.charging.work import HALF_AS_MUCH_AGAIN, Case, hourly, worked

RULE = hourly(cap="10")
MONDAY = worked("2026-03-02 09:00", "2026-03-02 15:00")
TUESDAY = worked("2026-03-03 09:00", "2026-03-03 15:00", number=2)

CASES = {
    "below": Case(rules=(RULE,), entries=(MONDAY,), lines=(("time", "6:00", 54000),)),  # 6 x 9000
    "exactly": Case(
        rules=(RULE,),
        entries=(MONDAY, worked("2026-03-03 09:00", "2026-03-03 13:00", number=2)),
        lines=(("time", "10:00", 90000),),
    ),
    "in the middle of an entry": Case(
        rules=(RULE,),
        entries=(MONDAY, TUESDAY),
        lines=(("time", "10:00", 90000), ("capped", "2:00", 0)),
    ),
    "between two entries": Case(
        rules=(hourly(cap="6"),),
        entries=(MONDAY, TUESDAY),
        lines=(("time", "6:00", 54000), ("capped", "6:00", 0)),
    ),
    "a second above": Case(
        rules=(hourly(cap="6"),),
        entries=(worked("2026-03-02 09:00", "2026-03-02 15:00:01"),),
        lines=(("time", "6:00", 54000), ("capped", "0:00:01", 0)),
    ),
    "of half an hour": Case(
        rules=(hourly(cap="0.5"),),
        entries=(worked("2026-03-02 09:00", "2026-03-02 09:45"),),
        lines=(("time", "0:30", 4500), ("capped", "0:15", 0)),
    ),
    "of nothing": Case(rules=(hourly(cap="0"),), entries=(MONDAY,), lines=(("capped", "6:00", 0),)),
    "overtime counts, and ends with it": Case(
        rules=(hourly(cap="10", overtime=HALF_AS_MUCH_AGAIN),),
        entries=(worked("2026-03-02 08:00", "2026-03-02 20:00"),),
        lines=(("time", "8:00", 72000), ("overtime", "2:00", 27000), ("capped", "2:00", 0)),
    ),
    "two workers share it": Case(
        rules=(RULE,),
        entries=(MONDAY, worked("2026-03-02 09:00", "2026-03-02 15:00", number=2, worker=2)),
        lines=(("time", "10:00", 90000), ("capped", "2:00", 0)),
    ),
    "two rules have one each": Case(
        rules=(RULE, hourly(100_00, number=2, project=2, cap="5")),
        entries=(MONDAY, worked("2026-03-03 09:00", "2026-03-03 15:00", number=2, project=2)),
        lines=(("time", "6:00", 54000), ("time", "5:00", 50000), ("capped", "1:00", 0)),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_above_the_cap_costs_nothing(case: Case) -> None:
    case.check()


def test_the_cap_is_used_up_in_the_order_of_work() -> None:
    case = Case(rules=(RULE,), entries=(TUESDAY, MONDAY), lines=())

    time, capped = case.charges().invoices[0].lines
    assert time.shares == ((1, 6 * 3600), (2, 4 * 3600))
    assert capped.shares == ((2, 2 * 3600),)

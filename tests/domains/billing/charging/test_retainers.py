"""A fee of 1,000.00 a period includes 10 hours; each above costs 90.00."""

from __future__ import annotations

import pytest

from tests.domains.billing.charging.work import HALF_AS_MUCH_AGAIN, Case, retainer, unused, worked

FEE = 1_000_00
#: 7 hours each.
MONDAY = worked("2026-03-02 09:00", "2026-03-02 16:00")
TUESDAY = worked("2026-03-03 09:00", "2026-03-03 16:00", number=2)

CASES = {
    "unused": Case(rules=(retainer(FEE, "10"),), lines=(("fee", "0:00", 100000),)),
    "unused, and carried": Case(
        rules=(retainer(FEE, "10", carry=1),),
        lines=(("fee", "0:00", 100000),),
        unused=(unused("2026-03", "10"),),
    ),
    "exactly": Case(
        rules=(retainer(FEE, "14", carry=1),),
        entries=(MONDAY, TUESDAY),
        lines=(("fee", "14:00", 100000),),
    ),
    "above": Case(
        rules=(retainer(FEE, "10"),),
        entries=(MONDAY, TUESDAY),
        lines=(("fee", "10:00", 100000), ("time", "4:00", 36000)),  # 4 x 9000
    ),
    "no hours included": Case(
        rules=(retainer(FEE, "0"),),
        entries=(MONDAY,),
        lines=(("fee", "0:00", 100000), ("time", "7:00", 63000)),
    ),
    "carried over one period, of which the older are used first": Case(
        rules=(retainer(FEE, "12", carry=1),),
        carried=(unused("2026-02", "4"),),
        entries=(MONDAY, TUESDAY),
        lines=(("fee", "14:00", 100000),),
        unused=(unused("2026-03", "2"),),  # 14 are the 4 of February and 10 of the 12
    ),
    "carried over two periods": Case(
        rules=(retainer(FEE, "10", carry=2),),
        carried=(unused("2026-02", "5"), unused("2026-01", "3")),
        entries=(MONDAY,),
        lines=(("fee", "7:00", 100000),),
        unused=(unused("2026-02", "1"), unused("2026-03", "10")),  # 7 are the 3 of January and 4 of the 5
    ),
    "carried over two periods, and above": Case(
        rules=(retainer(FEE, "10", carry=2),),
        carried=(unused("2026-01", "1"), unused("2026-02", "1.5")),
        entries=(MONDAY, TUESDAY),
        lines=(("fee", "12:30", 100000), ("time", "1:30", 13500)),  # 14 - 10 - 1 - 1.5
    ),
    "expired before": Case(
        rules=(retainer(FEE, "10", carry=1),),
        carried=(unused("2026-01", "5"),),
        entries=(MONDAY, TUESDAY),
        lines=(("fee", "10:00", 100000), ("time", "4:00", 36000)),
    ),
    "expired at the end of the period": Case(
        rules=(retainer(FEE, "10", carry=1),),
        carried=(unused("2026-02", "9"),),
        entries=(MONDAY,),
        lines=(("fee", "7:00", 100000),),
        unused=(unused("2026-03", "10"),),  # 2 of February are left, and good no longer
    ),
    "not carried at all": Case(
        rules=(retainer(FEE, "10", carry=0),),
        carried=(unused("2026-02", "9"),),
        entries=(MONDAY, TUESDAY),
        lines=(("fee", "10:00", 100000), ("time", "4:00", 36000)),
    ),
    "carried over the end of a year": Case(
        period="2026-01",
        rules=(retainer(FEE, "10", carry=1),),
        carried=(unused("2025-12", "2"),),
        entries=(worked("2026-01-05 08:00", "2026-01-05 19:00"),),
        lines=(("fee", "11:00", 100000),),
        unused=(unused("2026-01", "1"),),  # 2 + 10 - 11
    ),
    "overtime above it, and none within": Case(
        rules=(retainer(FEE, "10", overtime=HALF_AS_MUCH_AGAIN),),
        entries=(
            worked("2026-03-02 08:00", "2026-03-02 17:00"),  # 9 hours within
            worked(
                "2026-03-03 08:00", "2026-03-03 17:00", number=2
            ),  # 1 within, 7 above, 1 above 8 of the day
        ),
        lines=(("fee", "10:00", 100000), ("time", "7:00", 63000), ("overtime", "1:00", 13500)),
    ),
    "with a cap above the included hours": Case(
        rules=(retainer(FEE, "10", cap="12"),),
        entries=(MONDAY, TUESDAY),
        lines=(("fee", "10:00", 100000), ("time", "2:00", 18000), ("capped", "2:00", 0)),
    ),
    "with a cap below the included hours": Case(
        rules=(retainer(FEE, "10", cap="5", carry=1),),
        entries=(MONDAY,),
        lines=(("fee", "5:00", 100000), ("capped", "2:00", 0)),
        unused=(unused("2026-03", "5"),),  # what costs nothing uses nothing up
    ),
    "from the middle of a month: half of the fee and of the hours": Case(
        period="2026-04",
        rules=(retainer(FEE, "10", since="2026-04-16"),),
        entries=(worked("2026-04-20 09:00", "2026-04-20 15:00"),),
        lines=(("fee", "5:00", 50000), ("time", "1:00", 9000)),  # 15 of 30 days
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_retainer_includes_hours_and_carries_them(case: Case) -> None:
    case.check()

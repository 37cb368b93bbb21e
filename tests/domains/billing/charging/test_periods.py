"""Which rule and which month an entry belongs to, and what a part of a month costs."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.domains.billing.charging.periods import Period
from tests.domains.billing.charging.work import BERLIN, NEW_YORK, Case, fixed, hourly, worked

OLD = hourly(90_00, number=1, until="2026-03-15")
NEW = hourly(100_00, number=2, since="2026-03-16")

CASES = {
    "a rule that changes in the middle of a month": Case(
        rules=(NEW, OLD),
        entries=(
            worked("2026-03-15 09:00", "2026-03-15 10:00"),
            worked("2026-03-16 09:00", "2026-03-16 10:00", number=2),
        ),
        lines=(("time", "1:00", 9000), ("time", "1:00", 10000)),
    ),
    "an entry over the change is of the day on which it starts": Case(
        rules=(OLD, NEW),
        entries=(worked("2026-03-15 23:00", "2026-03-16 01:00"),),
        lines=(("time", "2:00", 18000),),
    ),
    "the day is the client's: 02:00 in Berlin is the day before in New York": Case(
        zone=NEW_YORK,
        rules=(OLD, NEW),
        entries=(worked("2026-03-16 02:00", "2026-03-16 03:00", zone=BERLIN),),
        lines=(("time", "1:00", 9000),),
    ),
    "the project's own rule comes first": Case(
        rules=(hourly(90_00, number=1), hourly(120_00, number=2, project=2)),
        entries=(
            worked("2026-03-02 09:00", "2026-03-02 10:00", project=1),
            worked("2026-03-02 09:00", "2026-03-02 10:00", project=2, number=2),
        ),
        lines=(("time", "1:00", 9000), ("time", "1:00", 12000)),
    ),
    "the client's rule takes over where the project's ends": Case(
        rules=(
            hourly(90_00, number=1),
            hourly(120_00, number=2, project=1, since="2026-01-01", until="2026-03-01"),
        ),
        entries=(
            worked("2026-03-01 09:00", "2026-03-01 10:00"),
            worked("2026-03-02 09:00", "2026-03-02 10:00", number=2),
        ),
        lines=(("time", "1:00", 9000), ("time", "1:00", 12000)),
    ),
    "a fixed fee, whatever the hours": Case(
        rules=(fixed(5_000_00),),
        entries=(worked("2026-03-02 09:00", "2026-03-02 21:00"),),
        lines=(("fee", "12:00", 500000),),
    ),
    "a fixed fee without any hours": Case(rules=(fixed(5_000_00),), lines=(("fee", "0:00", 500000),)),
    "a fixed fee that changes: 10 days of 30, and 20": Case(
        period="2026-04",
        rules=(fixed(3_000_00, until="2026-04-10"), fixed(6_000_00, number=2, since="2026-04-11")),
        lines=(("fee", "0:00", 100000), ("fee", "0:00", 400000)),  # 300000 / 3; 600000 x 2 / 3
    ),
    "a fixed fee for half of February": Case(
        period="2026-02",
        rules=(fixed(1_000_01, since="2026-02-15"),),
        lines=(("fee", "0:00", 50001),),  # 100001 x 14 / 28 = 50000.5
    ),
    "a fixed fee for one day": Case(
        rules=(fixed(1_000_00, since="2026-03-10", until="2026-03-10"),),
        lines=(("fee", "0:00", 3226),),  # 100000 / 31 = 3225.81
    ),
    "a fixed fee that ended the day before": Case(rules=(fixed(1_000_00, until="2026-02-28"),), lines=()),
    "a fixed fee that begins the day after": Case(rules=(fixed(1_000_00, since="2026-04-01"),), lines=()),
    "a fee until the 14th of a February with 29 days": Case(
        period="2028-02",
        rules=(fixed(2_900_00, until="2028-02-14"),),
        lines=(("fee", "0:00", 140000),),  # 290000 x 14 / 29
    ),
    "a fee for the leap day": Case(
        period="2028-02",
        rules=(fixed(2_900_00, since="2028-02-29"),),
        lines=(("fee", "0:00", 10000),),  # 290000 / 29
    ),
    "over the end of the leap day": Case(
        period="2028-02",
        rules=(hourly(),),
        entries=(worked("2028-02-29 22:00", "2028-03-01 02:00"),),
        lines=(("time", "4:00", 36000),),
    ),
    "over the end of a February without one": Case(
        period="2026-02",
        rules=(hourly(),),
        entries=(worked("2026-02-28 23:00", "2026-03-01 01:00"),),
        lines=(("time", "2:00", 18000),),
    ),
    "over the end of a year": Case(
        period="2026-12",
        rules=(hourly(),),
        entries=(worked("2026-12-31 23:00", "2027-01-01 01:00"),),
        lines=(("time", "2:00", 18000),),
    ),
    "from the last second of a month": Case(
        rules=(hourly(),),
        entries=(worked("2026-03-31 23:59:59", "2026-04-01 00:59:59"),),
        lines=(("time", "1:00", 9000),),
    ),
    "the month is the client's: 18:00 in New York is April in Berlin": Case(
        period="2026-04",
        rules=(hourly(),),
        entries=(worked("2026-03-31 18:00", "2026-03-31 19:00", zone=NEW_YORK),),
        lines=(("time", "1:00", 9000),),
    ),
    "no rule and no time": Case(rules=(hourly(),), lines=()),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_entry_is_charged_by_the_day_on_which_it_starts(case: Case) -> None:
    case.check()


@pytest.mark.parametrize(
    ("period", "zone", "begins", "over"),
    [
        # Berlin is an hour ahead in winter and two in summer, New York five behind and four.
        ("2026-03", BERLIN, datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC)),
        ("2026-12", BERLIN, datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC)),
        ("2026-11", NEW_YORK, datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 12, 1, 5, tzinfo=UTC)),
    ],
)
def test_a_period_is_a_month_of_the_clients_clock(
    period: str, zone: str, begins: datetime, over: datetime
) -> None:
    assert Period.parse(period).instants(ZoneInfo(zone)) == (begins, over)


def test_a_period_is_written_as_it_is_read() -> None:
    assert str(Period.parse("2026-03")) == "2026-03"

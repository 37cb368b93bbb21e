"""A worker's hours of a local day above 8 cost 1.5 times 90.00, 135.00, unless a case says otherwise."""

from __future__ import annotations

import pytest

from app.domains.billing.charging.rounding import Direction
from tests.domains.billing.charging.work import (
    HALF_AS_MUCH_AGAIN,
    NEW_YORK,
    Case,
    hourly,
    overtime,
    rounded,
    worked,
)

RULE = hourly(overtime=HALF_AS_MUCH_AGAIN)

CASES = {
    "below the threshold": Case(
        rules=(RULE,),
        entries=(worked("2026-03-02 09:00", "2026-03-02 16:59"),),
        lines=(("time", "7:59", 71850),),  # 479 x 150
    ),
    "at the threshold": Case(
        rules=(RULE,),
        entries=(worked("2026-03-02 09:00", "2026-03-02 17:00"),),
        lines=(("time", "8:00", 72000),),  # 8 x 9000
    ),
    "above the threshold": Case(
        rules=(RULE,),
        entries=(worked("2026-03-02 09:00", "2026-03-02 17:01"),),
        lines=(("time", "8:00", 72000), ("overtime", "0:01", 225)),  # 13500 / 60
    ),
    "two entries on a day": Case(
        rules=(RULE,),
        entries=(
            worked("2026-03-02 06:00", "2026-03-02 11:00"),
            worked("2026-03-02 12:00", "2026-03-02 17:00", number=2),
        ),
        lines=(("time", "8:00", 72000), ("overtime", "2:00", 27000)),  # 2 x 13500
    ),
    "two entries that overlap": Case(
        rules=(RULE,),
        entries=(
            worked("2026-03-02 09:00", "2026-03-02 14:00"),
            worked("2026-03-02 09:00", "2026-03-02 14:00", number=2),
        ),
        lines=(("time", "8:00", 72000), ("overtime", "2:00", 27000)),
    ),
    "two workers, each with a threshold": Case(
        rules=(RULE,),
        entries=(
            worked("2026-03-02 09:00", "2026-03-02 14:00", worker=1),
            worked("2026-03-02 09:00", "2026-03-02 14:00", worker=2, number=2),
        ),
        lines=(("time", "10:00", 90000),),  # 10 x 9000
    ),
    "two projects of one rule share a threshold": Case(
        rules=(RULE,),
        entries=(
            worked("2026-03-02 06:00", "2026-03-02 11:00", project=1),
            worked("2026-03-02 12:00", "2026-03-02 17:00", project=2, number=2),
        ),
        lines=(("time", "8:00", 72000), ("overtime", "2:00", 27000)),
    ),
    "across midnight, 6 hours and 4": Case(
        rules=(RULE,),
        entries=(worked("2026-03-02 18:00", "2026-03-03 04:00"),),
        lines=(("time", "10:00", 90000),),
    ),
    "across midnight, 6 and 4 hours on the first day": Case(
        rules=(RULE,),
        entries=(
            worked("2026-03-02 10:00", "2026-03-02 16:00"),
            worked("2026-03-02 20:00", "2026-03-03 02:00", number=2),
        ),
        lines=(("time", "10:00", 90000), ("overtime", "2:00", 27000)),  # 8 + 2 hours, and 2 above 8
    ),
    "over three days: 4, 24 and 4 hours": Case(
        rules=(RULE,),
        entries=(worked("2026-03-02 20:00", "2026-03-04 04:00"),),
        lines=(("time", "16:00", 144000), ("overtime", "16:00", 216000)),  # 4 + 8 + 4, and 24 - 8
    ),
    "until midnight is no hour of the next day": Case(
        rules=(RULE,),
        entries=(
            worked("2026-03-02 16:00", "2026-03-03 00:00"),
            worked("2026-03-03 00:00", "2026-03-03 08:00", number=2),
        ),
        lines=(("time", "16:00", 144000),),
    ),
    "Berlin, 23 hours: 00:00 to 10:00 are nine": Case(
        rules=(RULE,),
        entries=(worked("2026-03-29 00:00", "2026-03-29 10:00"),),
        lines=(("time", "8:00", 72000), ("overtime", "1:00", 13500)),
    ),
    "Berlin, 25 hours: 00:00 to 08:00 are nine": Case(
        period="2026-10",
        rules=(RULE,),
        entries=(worked("2026-10-25 00:00", "2026-10-25 08:00"),),
        lines=(("time", "8:00", 72000), ("overtime", "1:00", 13500)),
    ),
    "Berlin, the hour that comes twice": Case(
        period="2026-10",
        rules=(hourly(),),
        entries=(worked("2026-10-25 02:30:00+02:00", "2026-10-25 02:30:00+01:00"),),
        lines=(("time", "1:00", 9000),),
    ),
    "New York, 23 hours: 01:00 to 09:00 are seven": Case(
        zone=NEW_YORK,
        rules=(RULE,),
        entries=(worked("2026-03-08 01:00", "2026-03-08 09:00", zone=NEW_YORK),),
        lines=(("time", "7:00", 63000),),
    ),
    "New York, the whole day of 25 hours": Case(
        period="2026-11",
        zone=NEW_YORK,
        rules=(RULE,),
        entries=(worked("2026-11-01 00:00", "2026-11-02 00:00", zone=NEW_YORK),),
        lines=(("time", "8:00", 72000), ("overtime", "17:00", 229500)),  # 17 x 13500
    ),
    "by the worker's days, not by the client's": Case(
        rules=(RULE,),
        # From 16:00 to 02:00 in New York, which is from 22:00 to 08:00 in Berlin.
        entries=(worked("2026-03-02 16:00", "2026-03-03 02:00", zone=NEW_YORK),),
        lines=(("time", "10:00", 90000),),  # 8 and 2
    ),
    "1.25 times": Case(
        rules=(hourly(overtime=overtime("8", "1.25")),),
        entries=(worked("2026-03-02 09:00", "2026-03-02 18:00"),),
        lines=(("time", "8:00", 72000), ("overtime", "1:00", 11250)),  # 9000 x 1.25
    ),
    "1.25 times 99.99": Case(
        rules=(hourly(99_99, overtime=overtime("8", "1.25")),),
        entries=(worked("2026-03-02 09:00", "2026-03-02 18:00"),),
        lines=(("time", "8:00", 79992), ("overtime", "1:00", 12499)),  # 9999 x 1.25 = 12498.75
    ),
    "1.25 times 33.33 for 20 minutes": Case(
        rules=(hourly(33_33, overtime=overtime("8", "1.25")),),
        entries=(worked("2026-03-02 09:00", "2026-03-02 17:20"),),
        lines=(("time", "8:00", 26664), ("overtime", "0:20", 1389)),  # 4166.25 / 3 = 1388.75
    ),
    "a threshold of nothing": Case(
        rules=(hourly(overtime=overtime("0", "1.5")),),
        entries=(worked("2026-03-02 09:00", "2026-03-02 10:00"),),
        lines=(("overtime", "1:00", 13500),),
    ),
    "a threshold of seven and a half hours": Case(
        rules=(hourly(overtime=overtime("7.5", "2")),),
        entries=(worked("2026-03-02 09:00", "2026-03-02 17:00"),),
        lines=(("time", "7:30", 67500), ("overtime", "0:30", 9000)),  # 7.5 x 9000; 18000 / 2
    ),
    "rounding up adds to the day on which it ended": Case(
        rules=(hourly(overtime=HALF_AS_MUCH_AGAIN, rounding=rounded(15)),),
        entries=(
            worked("2026-03-02 15:55", "2026-03-03 00:00"),  # 8:05, which is 8:15
            worked("2026-03-03 00:00", "2026-03-03 07:00", number=2),
        ),
        lines=(("time", "15:00", 135000), ("overtime", "0:15", 3375)),  # 8 + 7 hours; 13500 / 4
    ),
    "rounding down takes from the end": Case(
        rules=(hourly(overtime=HALF_AS_MUCH_AGAIN, rounding=rounded(15, Direction.DOWN)),),
        entries=(worked("2026-03-02 15:30", "2026-03-03 00:10"),),  # 8:30 and 0:10 are 8:30
        lines=(("time", "8:00", 72000), ("overtime", "0:30", 6750)),  # 13500 / 2
    ),
    "rounding down can take all that is after midnight, and more": Case(
        rules=(hourly(overtime=HALF_AS_MUCH_AGAIN, rounding=rounded(60, Direction.DOWN)),),
        entries=(worked("2026-03-02 14:40", "2026-03-03 00:10"),),  # 9:20 and 0:10 are 9:00
        lines=(("time", "8:00", 72000), ("overtime", "1:00", 13500)),
    ),
    "clocks that go back over midnight: from the second 23:30 to 00:30": Case(
        period="2006-10",
        zone="America/St_Johns",
        rules=(hourly(overtime=HALF_AS_MUCH_AGAIN, since="2000-01-01"),),
        entries=(
            worked("2006-10-28T23:30-03:30", "2006-10-29T00:30-03:30", zone="America/St_Johns"),
            worked("2006-10-29T09:00-03:30", "2006-10-29T17:00-03:30", zone="America/St_Johns", number=2),
        ),
        lines=(("time", "8:00", 72000), ("overtime", "1:00", 13500)),  # 1 + 8 hours after the first midnight
    ),
    "a day that began in the last period": Case(
        rules=(RULE,),
        earlier=(worked("2026-02-28 20:00", "2026-03-01 06:00", number=2),),  # 6 hours of the day are billed
        entries=(worked("2026-03-01 10:00", "2026-03-01 14:00"),),
        lines=(("time", "2:00", 18000), ("overtime", "2:00", 27000)),
    ),
    "an earlier entry under another rule uses nothing up": Case(
        rules=(RULE, hourly(number=2, project=2, overtime=HALF_AS_MUCH_AGAIN)),
        earlier=(worked("2026-02-28 20:00", "2026-03-01 06:00", number=2, project=2),),
        entries=(worked("2026-03-01 10:00", "2026-03-01 14:00"),),
        lines=(("time", "4:00", 36000),),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_a_worker_does_in_a_day_above_the_threshold_costs_more(case: Case) -> None:
    case.check()

"""What members are told, in words."""

from __future__ import annotations

import calendar
from datetime import date

from app.domains.banking.planning.wording import day


def test_a_day_is_told_with_its_month_in_words() -> None:
    told = [day(date(2026, month, 1)) for month in range(1, 13)]
    assert told == [f"1 {name} 2026" for name in calendar.month_name[1:]]
    assert told[1] == "1 February 2026"

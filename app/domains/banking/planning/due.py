"""When a bill is due again: arithmetic of days, without a database."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from app.domains.banking.models import BillRule

WEEK = timedelta(days=7)
MONTHS_IN_YEAR = 12
_MONTHS = {BillRule.MONTHLY: 1, BillRule.QUARTERLY: 3, BillRule.YEARLY: MONTHS_IN_YEAR}


def due_after(due: date, *, rule: BillRule, due_day: int) -> date | None:
    """The due date after `due`; None for a bill that comes once.

    `due_day` is the day of the month to keep to: a bill of the 31st is due on the last day of a shorter
    month, and on the 31st again after it.
    """
    if rule is BillRule.ONCE:
        return None
    if rule is BillRule.WEEKLY:
        return due + WEEK
    months = due.year * MONTHS_IN_YEAR + due.month - 1 + _MONTHS[rule]
    year, month = divmod(months, MONTHS_IN_YEAR)
    return on_day(due_day, year=year, month=month + 1)


def on_day(day: int, *, year: int, month: int) -> date:
    """That day of the month, or its last where it has fewer."""
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))

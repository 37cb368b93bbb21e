"""What can go wrong with reports, each as one sentence with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import InvalidInput, NotFound
from app.jobs.errors import RetryableError, shown

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class NoSuchMonth(InvalidInput):
    """Raised for numbers that are no month."""

    code = "no_such_month"

    def __init__(self, *, year: object, month: object) -> None:
        super().__init__(
            f"There is no month {shown(month)} of the year {shown(year)}. Give a year of four digits and a "
            "month from 1 to 12, or neither for the last month."
        )


class NotOver(InvalidInput):
    """Raised for a day or a month of which not all has happened."""

    code = "period_not_over"

    def __init__(self, *, period: str, ends: datetime) -> None:
        super().__init__(
            f"{period} is over on {ends:%Y-%m-%d} at 00:00 UTC, and has no report before. Ask for an "
            "earlier one."
        )


class TooLongAgo(InvalidInput):
    """Raised for a day or a month from before the time of reports."""

    code = "period_too_long_ago"

    def __init__(self, *, period: str, years: int) -> None:
        super().__init__(f"{period} is more than {years} years ago. Ask for the report of a later time.")


class NotSettled(RetryableError):
    """Raised about midnight: what was paid in the last second of a day may not be committed yet."""

    code = "period_not_settled"

    def __init__(self, *, period: str, wait: timedelta) -> None:
        super().__init__(
            f"{period} is hardly over; its report is made in {wait.total_seconds():.0f} seconds.",
            after=wait,
        )


class ReportNotFound(NotFound):
    """Raised for a day or a month of which no report was made in that form."""

    code = "report_not_found"

    def __init__(self, *, kind: str, period: str) -> None:
        super().__init__(f"There is no {kind} report of {period}.")

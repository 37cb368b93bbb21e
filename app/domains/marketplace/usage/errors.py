"""What can be wrong with what is asked about usage, each as one sentence with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from app.domains.marketplace.usage.models import Span


class EmptyPeriod(InvalidInput):
    """Raised for a period that ends before it begins."""

    code = "empty_period"

    def __init__(self, *, after: datetime, before: datetime) -> None:
        super().__init__(
            f"From {after.isoformat()} to {before.isoformat()} there is no time. Give an earlier `after`, or "
            "a later `before`."
        )


class PeriodTooLong(InvalidInput):
    """Raised for more than one answer holds."""

    code = "period_too_long"

    def __init__(self, *, most: int, span: Span) -> None:
        super().__init__(f"The period is over {most:,} {span}s. Ask for a shorter one, or in days.")

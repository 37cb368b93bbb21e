"""What can be wrong with a span of time that figures are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class UnusableSpan(InvalidInput):
    """Raised for a span that ends before it begins."""

    code = "unusable_span"

    def __init__(self, *, begin: datetime, end: datetime) -> None:
        super().__init__(
            f"The span ends at {end.isoformat()}, which is not after its begin at {begin.isoformat()}: "
            "let begin come before end."
        )


class SpanTooLong(InvalidInput):
    """Raised for a span of more steps than an answer may have."""

    code = "span_too_long"

    def __init__(self, *, step: str, longest: timedelta) -> None:
        super().__init__(
            f"With steps of {step} a span may be {longest.total_seconds() / 3600:,.0f} h at most: ask for a "
            "shorter one, or for longer steps."
        )


class StepNotKept(InvalidInput):
    """Raised for steps that are shorter than what is kept of so long ago."""

    code = "step_not_kept"

    def __init__(self, *, step: str, kept: timedelta) -> None:
        super().__init__(
            f"Steps of {step} are kept for {kept.total_seconds() / 3600:.0f} h: let the span begin later, or "
            "ask for steps of 1h or 1d."
        )

"""Reads what was counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.marketplace.catalog.service import find_model
from app.domains.marketplace.usage.counting import begin_of
from app.domains.marketplace.usage.errors import EmptyPeriod, PeriodTooLong
from app.domains.marketplace.usage.models import Span, UsageCount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

MAX_SPANS = 1_000
LENGTHS = {Span.HOUR: timedelta(hours=1), Span.DAY: timedelta(days=1)}
#: What is shown where nothing is asked for.
USUAL = {Span.HOUR: timedelta(days=1), Span.DAY: timedelta(days=30)}
_FIRST = datetime.min.replace(tzinfo=UTC)


def usual_begin(span: Span, *, before: datetime) -> datetime:
    """Where a period begins that ends then."""
    return before - min(USUAL[span], before - _FIRST)


def counts(
    session: Session, *, model_id: int, span: Span, after: datetime, before: datetime
) -> Sequence[UsageCount]:
    """What was counted of a model in the hours or days from that of `after` on, the first first.

    Raises `ModelNotFound`, `EmptyPeriod` and `PeriodTooLong`.
    """
    if before <= after:
        raise EmptyPeriod(after=after, before=before)
    if before - after > MAX_SPANS * LENGTHS[span]:
        raise PeriodTooLong(most=MAX_SPANS, span=span)
    find_model(session, model_id=model_id)
    rows = select(UsageCount).where(
        UsageCount.model_id == model_id,
        UsageCount.span == span,
        UsageCount.begins_at >= begin_of(span, after),
        UsageCount.begins_at < before,
    )
    return session.scalars(rows.order_by(UsageCount.begins_at, UsageCount.kind)).all()

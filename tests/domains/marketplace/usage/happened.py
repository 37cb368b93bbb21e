"""What happens to models, and what is counted of it."""

from __future__ import annotations

import itertools
from typing import Any

from sqlalchemy import func, select

from app.db.sessions import reading, transaction
from app.domains.marketplace.usage import counting
from app.domains.marketplace.usage.counting import Event
from app.domains.marketplace.usage.models import Span, UsageCount, UsageEvent, UsageKind
from tests.domains.marketplace.market import NOW

_NUMBERS = itertools.count(1)


def event(model_id: int, **changed: Any) -> Event:
    """A view of a model now."""
    usual: dict[str, Any] = {
        "id": f"event-{next(_NUMBERS)}",
        "model_id": model_id,
        "kind": UsageKind.VIEW,
        "happened_at": NOW,
    }
    return Event(**usual | changed)


def count(*events: Event) -> int:
    with transaction() as session:
        return counting.count(session, events, now=NOW)


def counts(*, span: Span = Span.HOUR) -> dict[tuple[int, str, str], int]:
    """By model, kind, and the moment at which an hour or a day began."""
    with reading() as session:
        rows = session.scalars(select(UsageCount).where(UsageCount.span == span)).all()
    return {(one.model_id, one.kind, f"{one.begins_at:%m-%dT%H}"): one.count for one in rows}


def totals() -> dict[str, int]:
    """By kind, over all models and hours; the days come to the same."""
    found = []
    for span in Span:
        rows = select(UsageCount.kind, func.sum(UsageCount.count)).where(UsageCount.span == span)
        with reading() as session:
            found.append(
                {kind: int(total) for kind, total in session.execute(rows.group_by(UsageCount.kind))}
            )
    hours, days = found
    assert hours == days
    return hours


def remembered() -> int:
    """How many events are known by their ids."""
    with reading() as session:
        return session.scalar(select(func.count()).select_from(UsageEvent)) or 0

"""What has ended of each task within a span of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.jobs.statistics.adding import ALL
from app.jobs.statistics.sums import Sums

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.jobs.statistics.figures import Step


def by_task(session: Session, *, begin: datetime, end: datetime, step: Step) -> dict[str, Sums]:
    """The sums of each task in the steps that begin from `begin` until just before `end`."""
    table = step.table
    rows = select(*table.__table__.c).where(
        table.begins_at >= begin, table.begins_at < end, table.task != ALL
    )
    found: dict[str, Sums] = {}
    for row in session.execute(rows):
        found.setdefault(row.task, Sums()).add(Sums.of_row(row))
    return found

"""How much users worked on some days, and who of them record their time at all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, or_

from app.domains.billing.models import Role, TenantMember
from app.domains.billing.time_capture.models import EntryState, TimeEntry
from app.domains.billing.time_capture.worked import SetAside, Span, Worked, entries_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Subquery
    from sqlalchemy.orm import Session

#: An admin who recorded time in it is taken for somebody who works, too.
LATELY = timedelta(days=28)


@dataclass(kw_only=True)
class Workload:
    """What a user worked on some days."""

    entries: int = 0
    pending: int = 0
    length: timedelta = timedelta()
    billable: timedelta = timedelta()
    by_tenant: dict[int, timedelta] = field(default_factory=lambda: defaultdict(timedelta))
    days: set[date] = field(default_factory=set)

    def add(self, worked: Worked, *, first: date, last: date) -> None:
        """Count what of an entry lies on the days from `first` to `last`."""
        parts = [part for part in worked.parts() if first <= part.day <= last]
        if not parts:
            return
        length = parts[-1].end - parts[0].start
        self.entries += 1
        self.pending += worked.state == EntryState.PENDING
        self.length += length
        self.billable += length if worked.is_billable else timedelta()
        self.by_tenant[worked.tenant_id] += length
        self.days.update(part.day for part in parts)


def workloads(session: Session, user_ids: Collection[int], *, first: date, last: date) -> dict[int, Workload]:
    """What users worked on the days from `first` to `last` of their own clocks; who did not is left out.

    An entry that cannot be read is left out, too; whatever sums up the days names it.
    """
    found: dict[int, Workload] = defaultdict(Workload)
    for worked in entries_of(session, user_ids, Span.of(first, last).covers(), aside=SetAside()):
        found[worked.entry.worker_id].add(worked, first=first, last=last)
    return {user_id: load for user_id, load in found.items() if load.entries}


def record_time(clock: Subquery, *, now: datetime) -> ColumnElement[bool]:
    """Users who are there to work for a tenant: its members, and those of its admins who did so lately."""
    belongs = TenantMember.user_id == clock.c.user_id
    lately = exists().where(
        TimeEntry.user_id == clock.c.user_id,
        TimeEntry.started_at >= now - LATELY,
        TimeEntry.started_at <= now,
    )
    return or_(
        exists().where(belongs, TenantMember.role == Role.MEMBER), and_(exists().where(belongs), lately)
    )

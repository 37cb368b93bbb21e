"""Reads what users worked: entries of a span in the order in which they began, cut by the worker's days."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, and_, or_, select

from app.domains.billing.charging.entries import MAX_LENGTH, Entry
from app.domains.billing.models import Client, Project
from app.domains.billing.time_capture.models import EntryState, TimeEntry
from app.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

#: Entries that are set aside and described by name in a result; of more, the number is told.
MAX_NAMED = 20
#: Rows that are fetched at a time.
FETCHED = 1_000
_SECOND = timedelta(seconds=1)
#: No clock is farther from UTC.
_FARTHEST = timedelta(days=1)


class Part(NamedTuple):
    """What of an entry lies on one day of the worker's clock."""

    day: date
    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Worked:
    """An entry that was not rejected, and what its project says of it."""

    entry: Entry
    tenant_id: int
    state: str
    is_billable: bool
    description: str

    def parts(self) -> Iterator[Part]:
        """The entry, cut at midnight."""
        days = list(self.entry.by_day(self.entry.length // _SECOND))
        start = self.entry.start
        for day, seconds in days[:-1]:
            yield Part(day, start, start := start + seconds * _SECOND)
        yield Part(days[-1][0], start, self.entry.end)


@dataclass(kw_only=True)
class SetAside:
    """Entries that cannot be read, such as one of a year that no calendar has: the rest is done without."""

    ids: set[int] = field(default_factory=set)
    named: list[str] = field(default_factory=list)

    def add(self, entry_id: int, error: InvalidInput) -> None:
        """Note an entry, once."""
        if entry_id not in self.ids and len(self.named) < MAX_NAMED:
            self.named.append(f"Entry {entry_id} is set aside: {error}")
        self.ids.add(entry_id)


class Span(NamedTuple):
    """The moments that can lie on days from one to another by any clock."""

    since: datetime
    until: datetime

    @classmethod
    def of(cls, first: date, last: date) -> Span:
        """That of the days from `first` to `last`."""
        return cls(
            datetime.combine(first, time(), UTC) - _FARTHEST,
            datetime.combine(last, time(), UTC) + 2 * _FARTHEST,
        )

    def covers(self) -> ColumnElement[bool]:
        """Entries of which something lies in it."""
        return and_(
            # The first is implied by the others for all that may be kept; an index can serve it.
            TimeEntry.started_at >= self.since - MAX_LENGTH,
            TimeEntry.started_at < self.until,
            TimeEntry.ended_at >= self.since,
        )

    def is_before_or_after(self) -> ColumnElement[bool]:
        """Entries that may have begun on other days."""
        return or_(
            TimeEntry.started_at < self.since + 2 * _FARTHEST,
            TimeEntry.started_at >= self.until - 2 * _FARTHEST,
        )


def entries_of(
    session: Session, user_ids: Collection[int], *conditions: ColumnElement[bool], aside: SetAside
) -> Iterator[Worked]:
    """Entries of these users that were not rejected, by user and by when they began."""
    statement = (
        select(TimeEntry.__table__, Client.tenant_id, Project.is_billable)
        .join(Project, Project.id == TimeEntry.project_id)
        .join(Client, Client.id == Project.client_id)
        .where(TimeEntry.user_id.in_(user_ids), TimeEntry.state != EntryState.REJECTED, *conditions)
        .order_by(TimeEntry.user_id, TimeEntry.started_at, TimeEntry.ended_at, TimeEntry.id)
        .execution_options(yield_per=FETCHED)
    )
    for row in session.execute(statement):
        try:
            worked = _worked(row)
        except InvalidInput as error:
            aside.add(row.id, error)
        else:
            yield worked


def _worked(row: Row[Any]) -> Worked:
    entry = Entry(
        id=row.id,
        project_id=row.project_id,
        worker_id=row.user_id,
        timezone=row.timezone,
        start=row.started_at,
        end=row.ended_at,
    )
    return Worked(
        entry=entry,
        tenant_id=row.tenant_id,
        state=row.state,
        is_billable=row.is_billable,
        description=row.description,
    )

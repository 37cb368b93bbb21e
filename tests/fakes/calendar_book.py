"""A person's calendar behind a fake: its events, and what changed when."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A day without a time is an event of whole days; its end is the day after its last.
Moment = datetime | date


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An event; `original_start` is of one of a series."""

    id: str
    title: str = "Meeting"
    start: Moment
    end: Moment
    status: str = "confirmed"
    #: What the person answered; None for an event of their own.
    answer: str | None = None
    series_id: str | None = None
    original_start: Moment | None = None
    is_deleted: bool = False
    #: Grows with each change.
    version: int = 1

    @property
    def all_day(self) -> bool:
        return not isinstance(self.start, datetime)

    def is_within(self, starts_at: datetime, ends_at: datetime) -> bool:
        return _aware(self.end) > starts_at and _aware(self.start) < ends_at


@dataclass(frozen=True)
class Listing:
    """What is left of a listing that is read page by page, and how long the history was when it began."""

    rows: Sequence[Entry]
    upto: int
    window: tuple[datetime, datetime]


@dataclass
class CalendarBook:
    """The events by id, and the ids that changed, in order."""

    entries: dict[str, Entry] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    #: Titles of series, by their ids.
    series: dict[str, str] = field(default_factory=dict)
    #: What changed before is not known any more.
    known_since: int = 0
    listings: dict[str, Listing] = field(default_factory=dict)
    #: What is told of an event in place of what is true: members of its row, or anything in place of the row.
    distorted: dict[str, Any] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def put(self, entry: Entry) -> Entry:
        """Add an event."""
        self.entries[entry.id] = entry
        self.history.append(entry.id)
        return entry

    def change(self, id_: str, **values: Any) -> Entry:
        """The event with other values."""
        before = self.entries[id_]
        return self.put(replace(before, **values, version=before.version + 1))

    def delete(self, id_: str) -> None:
        """Delete an event, or all of a series."""
        for entry in list(self.entries.values()):
            if id_ in (entry.id, entry.series_id):
                self.change(entry.id, is_deleted=True)

    def repeat(self, id_: str, *, first: datetime, times: int, title: str = "Standup") -> list[Entry]:
        """A series, every day at the same time of its clock, half an hour long."""
        self.series[id_] = title
        starts = [first + timedelta(days=number) for number in range(times)]
        return [
            self.put(
                Entry(
                    id=f"{id_}_{start.astimezone(UTC):%Y%m%dT%H%M%SZ}",
                    title=title,
                    start=start,
                    end=start + timedelta(minutes=30),
                    series_id=id_,
                    original_start=start,
                )
            )
            for start in starts
        ]

    def forget_changes(self) -> None:
        """Every token of before is void."""
        self.history.append("")
        self.known_since = len(self.history)

    def begin(self, starts_at: datetime, ends_at: datetime) -> str:
        """The listing of all events in a window; its name."""
        rows = [
            one for one in self.entries.values() if not one.is_deleted and one.is_within(starts_at, ends_at)
        ]
        return self._keep(Listing(rows, len(self.history), (starts_at, ends_at)))

    def since(self, position: int, window: tuple[datetime, datetime]) -> str | None:
        """The listing of what changed after a position; None where that is not known."""
        if not self.known_since <= position <= len(self.history):
            return None
        ids = dict.fromkeys(id_ for id_ in self.history[position:] if id_)
        return self._keep(Listing([self.entries[id_] for id_ in ids], len(self.history), window))

    def page(self, name: str, *, size: int) -> tuple[Sequence[Entry], str | None, Listing] | None:
        """The next rows of a listing, and the name of what is left; None for a name that there is not."""
        found = self.listings.get(name)
        if found is None:
            return None
        left = found.rows[size:]
        return found.rows[:size], self._keep(replace(found, rows=left)) if left else None, found

    def told(self, id_: str, row: dict[str, Any]) -> Any:
        """The row as it goes over the wire."""
        other = self.distorted.get(id_, {})
        return {**row, **other} if isinstance(other, dict) else other

    def _keep(self, listing: Listing) -> str:
        name = f"page-{next(self._numbers)}"
        self.listings[name] = listing
        return name


def _aware(moment: Moment) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)

"""What becomes of an event and its entry, by what somebody decided on the entry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domains.billing.charging.bounds import NEW
from app.domains.billing.charging.entries import Entry
from app.domains.billing.integrations.facts import Attendance, EventStatus
from app.domains.billing.time_capture.issues.keeping import close_one, open_one
from app.domains.billing.time_capture.models import (
    CapturedEvent,
    EntryState,
    IssueKind,
    Source,
    TimeEntry,
)
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.billing.integrations.models import SyncedEvent
    from app.domains.billing.time_capture.calendars.rules import Rule

#: Why an entry is rejected that nobody decided on; with its event it comes back.
WITHDRAWN = "Its event does not take place any more, or not as time on a project."


class Outcome(StrEnum):
    """What became of an event."""

    CREATED = "created"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    FLAGGED = "flagged"
    WAITING = "waiting"  # until it is over
    UNCHANGED = "unchanged"


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Whose events, and by which clock their days are."""

    integration_id: int
    user_id: int
    #: As `CapturedEvent.calendar` has it.
    name: str
    timezone: str


def is_work(event: SyncedEvent) -> bool:
    """Whether it takes time of the person's: not a whole day, nor what is tentative or was declined."""
    return (
        not event.is_deleted
        and not event.all_day
        and event.status == EventStatus.CONFIRMED
        and event.attendance in (Attendance.ORGANIZER, Attendance.ACCEPTED)
    )


@dataclass(frozen=True, kw_only=True)
class Follower:
    """Lets the entries of a calendar follow its events; both are locked by the caller."""

    session: Session
    calendar: Calendar
    rules: Sequence[Rule]
    now: datetime

    def follow(self, event: SyncedEvent, captured: CapturedEvent | None, entry: TimeEntry | None) -> Outcome:
        """Do what is due. Raises `InvalidInput` for an event that can be no entry."""
        if captured is None or entry is None:
            return self._begin(event)
        if entry.state in (EntryState.APPROVED, EntryState.BILLED):
            return self._compare(event, captured)
        close_one(self.session, entry_id=entry.id, kind=IssueKind.CHANGED_AT_SOURCE, now=self.now)
        if entry.state == EntryState.REJECTED and entry.reason != WITHDRAWN:
            return Outcome.UNCHANGED
        return self._change(event, captured, entry)

    def _begin(self, event: SyncedEvent) -> Outcome:
        project_id = self._project_for(event)
        if project_id is None:
            return Outcome.UNCHANGED
        if event.ends_at > self.now:
            return Outcome.WAITING
        entry = TimeEntry(
            user_id=self.calendar.user_id,
            source=Source.CALENDAR,
            description=event.title,
            created_at=self.now,
        )
        self._take_times(entry, event, project_id=project_id)
        self.session.add(entry)
        self.session.flush()
        captured = CapturedEvent(
            entry_id=entry.id,
            user_id=self.calendar.user_id,
            calendar=self.calendar.name,
            event_id=event.event_id,
        )
        self._remember(captured, event)
        self.session.add(captured)
        return Outcome.CREATED

    def _change(self, event: SyncedEvent, captured: CapturedEvent, entry: TimeEntry) -> Outcome:
        is_withdrawn = entry.state == EntryState.REJECTED
        # An entry that somebody moved to another project stays there, unless its event has another title.
        is_mapped = not is_withdrawn and event.title == captured.title and is_work(event)
        project_id = entry.project_id if is_mapped else self._project_for(event)
        is_over = event.ends_at <= self.now
        if project_id is None or not is_over:
            withdrawn = self._withdraw(entry)
            return Outcome.WAITING if project_id is not None else withdrawn
        if is_mapped and not _has_other_times(event, captured):
            return Outcome.UNCHANGED
        if is_withdrawn or _has_other_times(event, captured) or project_id != entry.project_id:
            self._take_times(entry, event, project_id=project_id)
        if event.title != captured.title:
            entry.description, entry.changed_at = event.title, self.now
        self._remember(captured, event)
        return Outcome.CHANGED

    def _withdraw(self, entry: TimeEntry) -> Outcome:
        if entry.state == EntryState.REJECTED:
            return Outcome.UNCHANGED
        entry.state, entry.reason, entry.changed_at = EntryState.REJECTED, WITHDRAWN, self.now
        return Outcome.WITHDRAWN

    def _compare(self, event: SyncedEvent, captured: CapturedEvent) -> Outcome:
        kind, entry_id = IssueKind.CHANGED_AT_SOURCE, captured.entry_id
        if is_work(event) and event.title == captured.title and not _has_other_times(event, captured):
            close_one(self.session, entry_id=entry_id, kind=kind, now=self.now)
            return Outcome.UNCHANGED
        is_new = open_one(self.session, entry_id=entry_id, kind=kind, sentence=_sentence(event), now=self.now)
        return Outcome.FLAGGED if is_new else Outcome.UNCHANGED

    def _project_for(self, event: SyncedEvent) -> int | None:
        if not is_work(event):
            return None
        return next((rule.project_id for rule in self.rules if rule.fits(event.title)), None)

    def _take_times(self, entry: TimeEntry, event: SyncedEvent, *, project_id: int) -> None:
        checked = Entry(
            id=entry.id or NEW,
            project_id=project_id,
            worker_id=self.calendar.user_id,
            timezone=self.calendar.timezone,
            start=event.starts_at,
            end=event.ends_at,
        )
        entry.project_id, entry.timezone = project_id, checked.timezone
        entry.started_at, entry.ended_at = checked.start, checked.end
        entry.state, entry.reason, entry.changed_at = EntryState.PENDING, None, self.now

    def _remember(self, captured: CapturedEvent, event: SyncedEvent) -> None:
        captured.starts_at, captured.ends_at = event.starts_at, event.ends_at
        captured.title = event.title


def _has_other_times(event: SyncedEvent, captured: CapturedEvent) -> bool:
    return (event.starts_at, event.ends_at) != (captured.starts_at, captured.ends_at)


def _sentence(event: SyncedEvent) -> str:
    reopen = "Reopen the entry to let it follow its event, or leave it as it is."
    if not is_work(event):
        return f"Its event does not take place any more, or not with this person. {reopen}"
    return (
        f"Its event is now {quoted(event.title)}, from {event.starts_at:%Y-%m-%d %H:%M} to "
        f"{event.ends_at:%Y-%m-%d %H:%M} UTC. {reopen}"
    )

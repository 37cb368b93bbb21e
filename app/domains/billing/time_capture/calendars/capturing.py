"""Makes entries of events that are over, and lets pending ones follow their events.

An event has one entry, however often it is told and by however many at once this is run. What somebody
decided on stays as it is: an event that changed since is an issue of an approved or billed entry.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from app.domains.accounts.service import clocks, find_user
from app.domains.billing.integrations.facts import Provider
from app.domains.billing.integrations.models import Integration, SyncedEvent
from app.domains.billing.time_capture.calendars.following import Calendar, Follower, Outcome
from app.domains.billing.time_capture.calendars.rules import usable_rules
from app.domains.billing.time_capture.models import (
    CapturedEvent,
    EntryIssue,
    EntryState,
    IssueKind,
    TimeEntry,
)
from app.errors import InvalidInput
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

#: Calendars that are looked up, and events that are worked off, at once.
CHUNK = 200
#: So many of the events that can be no entries are named in the result.
MAX_NAMED = 20
CALENDARS = (Provider.GOOGLE, Provider.OUTLOOK)


@dataclass(kw_only=True)
class Captured:
    """What a run did so far."""

    calendars: int = 0
    outcomes: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(Outcome, 0)))
    set_aside: int = 0
    named: list[str] = field(default_factory=list)

    def add_aside(self, event: SyncedEvent, error: InvalidInput) -> None:
        """Note an event that can be no entry."""
        if len(self.named) < MAX_NAMED:
            self.named.append(f"Event {event.id} is set aside: {error}")
        self.set_aside += 1

    def result(self) -> dict[str, Any]:
        """For the job."""
        counts = {str(outcome): count for outcome, count in self.outcomes.items()}
        return {"calendars": self.calendars, **counts, "set_aside": self.set_aside, "named": self.named}


def capture(
    session: Session, *, now: datetime, commit: Checkpoint, user_id: int | None = None, chunk: int = CHUNK
) -> Captured:
    """Work off what calendars told, of all users or of one; `commit` ends the transaction of each chunk.

    Raises `UserNotFound`.
    """
    if user_id is not None:
        find_user(session, user_id=user_id)
    done, after = Captured(), 0
    while calendars := _next(session, after=after, only=user_id, now=now, limit=chunk):
        for calendar in calendars:
            _capture(session, calendar, now=now, commit=commit, chunk=chunk, done=done)
        after = calendars[-1].integration_id
    return done


def _next(session: Session, *, after: int, only: int | None, now: datetime, limit: int) -> Sequence[Calendar]:
    clock = clocks()
    statement = (
        select(
            Integration.id,
            Integration.user_id,
            Integration.provider,
            Integration.account_id,
            clock.c.timezone,
        )
        .join(clock, clock.c.user_id == Integration.user_id)
        .where(Integration.id > after, Integration.provider.in_(CALENDARS))
    )
    if only is not None:
        statement = statement.where(Integration.user_id == only)
    rows = session.execute(statement.order_by(Integration.id).limit(limit))
    return [_calendar(row, now=now) for row in rows]


def _calendar(row: Row[*tuple[Any, ...]], *, now: datetime) -> Calendar:
    return Calendar(
        integration_id=row.id,
        user_id=row.user_id,
        name=f"{row.provider}:{row.account_id}",
        # The user's zone, or UTC where this host does not know it.
        timezone=str(local_time(now, timezone=row.timezone).tzinfo),
    )


def _capture(
    session: Session, calendar: Calendar, *, now: datetime, commit: Checkpoint, chunk: int, done: Captured
) -> None:
    _look_again(session, calendar)
    rules = usable_rules(session, user_id=calendar.user_id)
    follower = Follower(session=session, calendar=calendar, rules=rules, now=now)
    done.calendars += 1
    after, is_last = 0, False
    while not is_last:
        events = _uncaptured(session, calendar, after=after, limit=chunk)
        _follow(session, events, follower=follower, done=done)
        after = max((event.id for event in events), default=after)
        is_last = len(events) < chunk
        commit({"calendars": done.calendars, **done.outcomes})
        session.expunge_all()


def _look_again(session: Session, calendar: Calendar) -> None:
    """Have events looked at whose entries are pending again: they follow from now on."""
    flagged = (
        select(CapturedEvent.event_id)
        .join(TimeEntry, TimeEntry.id == CapturedEvent.entry_id)
        .join(EntryIssue, EntryIssue.entry_id == TimeEntry.id)
        .where(
            CapturedEvent.user_id == calendar.user_id,
            CapturedEvent.calendar == calendar.name,
            EntryIssue.kind == IssueKind.CHANGED_AT_SOURCE,
            EntryIssue.closed_at.is_(None),
            TimeEntry.state.in_((EntryState.PENDING, EntryState.REJECTED)),
        )
    )
    events = update(SyncedEvent).where(
        SyncedEvent.integration_id == calendar.integration_id, SyncedEvent.event_id.in_(flagged)
    )
    session.execute(events.values(is_captured=False).execution_options(synchronize_session=False))


def _uncaptured(session: Session, calendar: Calendar, *, after: int, limit: int) -> Sequence[SyncedEvent]:
    """The next events, locked. One that a sync of the calendar has at the moment is left to the next run."""
    statement = (
        select(SyncedEvent)
        .where(
            SyncedEvent.integration_id == calendar.integration_id,
            SyncedEvent.is_captured.is_(False),
            SyncedEvent.id > after,
        )
        .order_by(SyncedEvent.id)
        .limit(limit)
    )
    return session.scalars(statement.with_for_update(skip_locked=True)).all()


def _follow(session: Session, events: Sequence[SyncedEvent], *, follower: Follower, done: Captured) -> None:
    known = _known(session, events, calendar=follower.calendar)
    for event in events:
        captured, entry = known.get(event.event_id, (None, None))
        event.is_captured = True
        try:
            outcome = follower.follow(event, captured, entry)
        except InvalidInput as error:
            done.add_aside(event, error)
        else:
            done.outcomes[outcome] += 1
            event.is_captured = outcome != Outcome.WAITING


def _known(
    session: Session, events: Sequence[SyncedEvent], *, calendar: Calendar
) -> dict[str, tuple[CapturedEvent, TimeEntry]]:
    """The entries of events, locked in one order: nobody decides on them meanwhile."""
    statement = (
        select(CapturedEvent, TimeEntry)
        .join(TimeEntry, TimeEntry.id == CapturedEvent.entry_id)
        .where(
            CapturedEvent.user_id == calendar.user_id,
            CapturedEvent.calendar == calendar.name,
            CapturedEvent.event_id.in_([event.event_id for event in events]),
        )
        .order_by(TimeEntry.id)
    )
    rows = session.execute(statement.with_for_update(of=TimeEntry))
    return {captured.event_id: (captured, entry) for captured, entry in rows}

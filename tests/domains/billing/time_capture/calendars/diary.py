"""Calendars that users connected, with events as a sync stored them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.billing.integrations.models import Integration, SyncedEvent
from app.domains.billing.time_capture.calendars import capturing, rules
from app.domains.billing.time_capture.models import TimeEntry
from tests.checkpoints import committing
from tests.domains.billing.time_capture import workplace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.domains.billing.time_capture.workplace import Workplace

_NUMBERS = itertools.count(1)
#: After all events, unless a test says otherwise.
NOW = "2026-02-03 12:00"


@dataclass(kw_only=True)
class Diary:
    """A calendar of somebody, and where they work."""

    id: int
    user_id: int
    place: Workplace

    def event(self, start: str = "08:00", end: str = "09:00", **facts: Any) -> int:
        """An event on 2 February, or between two moments of UTC; gives its row's id."""
        starts_at, ends_at = (
            workplace.at(one if " " in one else f"2026-02-02 {one}") for one in (start, end)
        )
        usual = {
            "integration_id": self.id,
            "event_id": f"event-{next(_NUMBERS)}",
            "version": "1",
            "starts_at": starts_at,
            "ends_at": ends_at,
            "all_day": False,
            "title": "Acme: planning",
            "status": "confirmed",
            "attendance": "accepted",
            "is_deleted": False,
            "is_captured": False,
            "reading": 1,
            "changed_at": workplace.MADE,
        }
        return int(workplace.add(SyncedEvent(**usual | facts)).id)

    def tell(self, event_id: int, **facts: Any) -> None:
        """Have the calendar tell an event anew."""
        with transaction() as session:
            changed = {"is_captured": False, "version": "2", **facts}
            session.execute(update(SyncedEvent).where(SyncedEvent.id == event_id).values(changed))

    def map(self, words_to_projects: Mapping[str, int]) -> None:
        """Have these rules."""
        facts = [rules.Rule(project_id=id_, words=words) for words, id_ in words_to_projects.items()]
        with transaction() as session:
            rules.replace(session, user_id=self.user_id, rules=facts, now=workplace.at(NOW))


def connect(*, place: Workplace | None = None, user_id: int | None = None, account: str = "") -> Diary:
    """A calendar of a tenant's first member, or of another, all of whose events are for its project."""
    place = place or workplace.found_tenant()
    user_id = user_id or place.members[0]
    found = Diary(id=integration(user_id, account=account), user_id=user_id, place=place)
    found.map({"": place.project})
    return found


def integration(user_id: int, *, account: str = "", provider: str = "google") -> int:
    """The connection; gives its id."""
    row = Integration(
        user_id=user_id,
        provider=provider,
        account_id=account or f"account-{next(_NUMBERS)}",
        account_name="Me",
        access_token="access",
        generation=1,
        is_enabled=True,
        health="healthy",
        failures=0,
        changes=0,
        readings=1,
        created_at=workplace.MADE,
    )
    return int(workplace.add(row).id)


def capture(now: str = NOW, **options: Any) -> dict[str, Any]:
    """Capture as the task does at `now`; what was done at all."""
    with Session(engine()) as session:
        done = capturing.capture(session, now=workplace.at(now), commit=committing(session), **options)
    return {name: count for name, count in done.result().items() if count}


def entries() -> list[TimeEntry]:
    """All there are, the oldest first."""
    with reading() as session:
        return list(session.scalars(select(TimeEntry).order_by(TimeEntry.id)))


def only() -> TimeEntry:
    """The one there is."""
    [found] = entries()
    return found


def uncaptured() -> int:
    """How many events are still to be seen."""
    with reading() as session:
        return len(session.scalars(select(SyncedEvent.id).where(SyncedEvent.is_captured.is_(False))).all())

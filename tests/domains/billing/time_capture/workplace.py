"""Tenants with members and projects, and what they work."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.billing.models import Client, Project, Role, Tenant, TenantMember
from app.domains.billing.time_capture import reminders, summarising
from app.domains.billing.time_capture.issues import validating
from app.domains.billing.time_capture.models import DailySummary, EntryIssue, TimeEntry
from app.domains.billing.time_capture.reminders import ReminderType
from tests.checkpoints import committing, flushing
from tests.domains.notifications import people

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS = itertools.count(1)
MADE = datetime(2026, 1, 1, tzinfo=UTC)


def add(row: Any) -> Any:
    """Store a row; gives it with its id."""
    with transaction() as session:
        session.add(row)
        session.flush()
        session.expunge(row)
    return row


def at(moment: str) -> datetime:
    """A moment of UTC, such as 2026-02-02 09:00."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


@dataclass(kw_only=True)
class Workplace:
    """A tenant with one client, and one project of each kind."""

    id: int
    client: int
    project: int
    unpaid: int
    members: list[int] = field(default_factory=list)

    def join(self, *, role: Role = Role.MEMBER, user_id: int | None = None, **user: Any) -> int:
        """One more member; gives the user's id."""
        user_id = user_id or people.add_user(**user)
        add(TenantMember(tenant_id=self.id, user_id=user_id, role=role))
        self.members.append(user_id)
        return user_id

    def work(self, start: str, end: str, *, user_id: int | None = None, **facts: Any) -> int:
        """An entry between two moments of UTC, of the first member unless of another; gives its id."""
        return int(add(TimeEntry(**self.entry(start, end, user_id=user_id, **facts))).id)

    def entry(self, start: str, end: str, *, user_id: int | None = None, **facts: Any) -> dict[str, Any]:
        """The columns of an entry."""
        usual = {
            "project_id": self.project,
            "user_id": user_id or self.members[0],
            "source": "manual",
            "state": "pending",
            "started_at": at(start),
            "ended_at": at(end),
            "timezone": "Europe/Berlin",
            "description": "Work",
            "created_at": MADE,
            "changed_at": MADE,
        }
        return usual | facts


def found_tenant(*, name: str = "Acme", **user: Any) -> Workplace:
    """A tenant with one member, who is described by `user`."""
    tenant = add(
        Tenant(
            name=name,
            address="Street 1\n10115 Berlin",
            country="DE",
            email="office@example.org",
            timezone="Europe/Berlin",
            layout="plain",
            number_prefix="A",
            is_numbered_by_year=False,
            created_at=MADE,
        )
    )
    client = add(
        Client(
            tenant_id=tenant.id,
            name=f"Client {next(_NUMBERS)}",
            email="client@example.org",
            address="Street 2",
            country="DE",
            timezone="Europe/Berlin",
            payment_days=14,
            created_at=MADE,
        )
    )
    paid, unpaid = (
        add(Project(client_id=client.id, name=name_, is_billable=is_billable, created_at=MADE))
        for name_, is_billable in (("Site", True), ("Training", False))
    )
    place = Workplace(id=tenant.id, client=client.id, project=paid.id, unpaid=unpaid.id)
    place.join(**user)
    return place


def add_entries(rows: Sequence[dict[str, Any]]) -> None:
    """Many entries at once."""
    with transaction() as session:
        for start in range(0, len(rows), 1_000):
            session.execute(insert(TimeEntry), rows[start : start + 1_000])


def change(entry_id: int, **facts: Any) -> None:
    """Change an entry, as of now unless of another moment."""
    with transaction() as session:
        session.execute(update(TimeEntry).where(TimeEntry.id == entry_id).values(facts))


def sum_up(now: str, **options: Any) -> summarising.Summed:
    """Sum up as the task does at `now`."""
    with Session(engine()) as session:
        return summarising.sum_up(session, now=at(now), commit=committing(session), **options)


def validate(now: str, **options: Any) -> validating.Validated:
    """Validate as the task does at `now`."""
    with Session(engine()) as session:
        return validating.validate(session, now=at(now), commit=committing(session), **options)


def remind(now: str, *types: ReminderType) -> int:
    """Remind as the task does at `now`; how many were told."""
    with transaction() as session:
        done = reminders.send_reminders(
            session, now=at(now), commit=flushing(session), types=types or tuple(ReminderType)
        )
    return done.sent


def summaries() -> list[DailySummary]:
    """All there are, by user, tenant and day."""
    order = (DailySummary.user_id, DailySummary.tenant_id, DailySummary.day)
    with reading() as session:
        return list(session.scalars(select(DailySummary).order_by(*order)))


def days() -> dict[str, tuple[int, int, int, int]]:
    """What is stored of each day: entries, and seconds worked, billable and between entries."""
    return {
        one.day.isoformat(): (one.entries, one.seconds, one.billable_seconds, one.gap_seconds)
        for one in summaries()
    }


def issues(*, closed: bool = False) -> list[EntryIssue]:
    """Those that are open, or all."""
    statement = select(EntryIssue).order_by(EntryIssue.id)
    if not closed:
        statement = statement.where(EntryIssue.closed_at.is_(None))
    with reading() as session:
        return list(session.scalars(statement))


def kinds() -> list[tuple[int, str, str]]:
    """Open issues by entry, kind and the other entry."""
    return sorted((one.entry_id, one.kind, one.key) for one in issues())

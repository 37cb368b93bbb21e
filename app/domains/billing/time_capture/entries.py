"""Time that was worked: made, changed while nobody decided on it, read. Nothing here commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.accounts.service import person
from app.domains.billing import tenants
from app.domains.billing.charging.bounds import NEW
from app.domains.billing.charging.entries import Entry
from app.domains.billing.clients import client, project
from app.domains.billing.errors import ClientEnded, NotAMember
from app.domains.billing.models import Client, Project
from app.domains.billing.time_capture.errors import (
    EntryDecided,
    EntryNotFound,
    ProjectOfAnotherTenant,
    WorkerMissing,
)
from app.domains.billing.time_capture.models import EntryState, Source, TimeEntry
from app.domains.billing.time_capture.moments import moment_of
from app.values.timezones import check_timezone

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.accounts.facts import Person


@dataclass(frozen=True, kw_only=True)
class Work:
    """What somebody worked, as they tell it; the times are by the clock of `timezone` or with an offset.

    Without a time zone, it is that of the worker.
    """

    started_at: str
    ended_at: str
    timezone: str | None
    description: str

    def on(self, project_id: int, *, worker: Person, entry_id: int = NEW) -> Entry:
        """The entry that it is. Raises where it is none, such as for an end before the start."""
        timezone = self.timezone or worker.timezone
        check_timezone(timezone)
        return Entry(
            id=entry_id,
            project_id=project_id,
            worker_id=worker.id,
            timezone=timezone,
            start=moment_of(self.started_at, timezone=timezone, what="start of the entry"),
            end=moment_of(self.ended_at, timezone=timezone, what="end of the entry"),
        )


def worker_for(
    session: Session, *, tenant_id: int, user_id: int | None, only_user: int | None = None
) -> Person:
    """Who worked, as the caller says: members say it of themselves, admins of each member.

    Raises `WorkerMissing` and `NotAMember`.
    """
    if user_id is None:
        raise WorkerMissing
    mine = tenants.only_worker(session, tenant_id=tenant_id, only_user=only_user)
    if mine not in (None, user_id):
        raise NotAMember(user_id=user_id, tenant_id=tenant_id)
    return tenants.worker(session, tenant_id=tenant_id, user_id=user_id)


def create(
    session: Session,
    *,
    project_id: int,
    work: Work,
    user_id: int | None,
    only_user: int | None = None,
    now: datetime,
) -> TimeEntry:
    """An entry that waits to be approved. Raises `ClientEnded`, and as `worker_for` and `Work.on` do."""
    tenant_id = _open_tenant(session, project_id=project_id)
    worker = worker_for(session, tenant_id=tenant_id, user_id=user_id, only_user=only_user)
    made = TimeEntry(
        user_id=worker.id, source=Source.MANUAL, state=EntryState.PENDING, created_at=now, changed_at=now
    )
    describe(made, work.on(project_id, worker=worker), description=work.description)
    session.add(made)
    session.flush()
    return made


def entry(session: Session, *, entry_id: int, lock: bool = False) -> TimeEntry:
    """The entry. Raises `EntryNotFound`."""
    statement = select(TimeEntry).where(TimeEntry.id == entry_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise EntryNotFound(entry_id=entry_id)
    return found


def change(
    session: Session, *, entry_id: int, project_id: int | None, work: Work, now: datetime
) -> TimeEntry:
    """Tell anew what was worked, on another project of the tenant where one is named.

    Raises `EntryNotFound`, `EntryDecided`, `ProjectOfAnotherTenant`, `ClientEnded`, and as `Work.on` does.
    """
    found = entry(session, entry_id=entry_id, lock=True)
    if found.state != EntryState.PENDING:
        raise EntryDecided(entry_id=entry_id, state=found.state)
    if project_id not in (None, found.project_id):
        _check_same_tenant(session, found, project_id=project_id)
    worker = person(session, user_id=found.user_id)
    told = work.on(project_id or found.project_id, worker=worker, entry_id=entry_id)
    describe(found, told, description=work.description)
    found.changed_at = now
    session.flush()
    return found


def describe(row: TimeEntry, told: Entry, *, description: str) -> None:
    """Have `row` say what was told."""
    row.project_id, row.timezone = told.project_id, told.timezone
    row.started_at, row.ended_at, row.description = told.start, told.end, description


def _open_tenant(session: Session, *, project_id: int) -> int:
    """The tenant of a project. Raises `ProjectNotFound`, and `ClientEnded` where nothing new is charged."""
    of = client(session, client_id=project(session, project_id=project_id).client_id)
    if of.ended_at is not None:
        raise ClientEnded(client_id=of.id)
    return of.tenant_id


def _check_same_tenant(session: Session, row: TimeEntry, *, project_id: int) -> None:
    of = select(Client.tenant_id).join(Project, Project.client_id == Client.id)
    theirs = session.scalar(of.where(Project.id == project_id))
    if theirs is None or theirs != session.scalar(of.where(Project.id == row.project_id)):
        raise ProjectOfAnotherTenant(project_id=project_id)
    _open_tenant(session, project_id=project_id)

"""Whom and what the rows of a file mean: clients and projects by their names, workers by their addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.accounts.service import ids_at, people
from app.domains.billing.models import Client, Project, TenantMember
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.domains.accounts.facts import Person
    from app.domains.billing.charging.entries import Entry
    from app.domains.billing.time_capture.imports.columns import Row


class BadRow(ValueError):
    """Raised for a row that names what is not there; says which."""


@dataclass(frozen=True, kw_only=True)
class Importer:
    """Who imports into which tenant."""

    tenant_id: int
    #: Whose time it is where a row does not say; a token or the command line has none.
    user_id: int | None
    #: Whose time alone may be imported: that of a member who is no admin.
    only_worker: int | None


@dataclass(frozen=True, kw_only=True)
class Named:
    """What some rows name, looked up at once."""

    importer: Importer
    #: By the names of client and project; None where the client has ended.
    projects: Mapping[tuple[str, str], int | None]
    ids: Mapping[str, int]
    members: Mapping[int, Person]

    def entry(self, row: Row) -> Entry:
        """The entry that a row tells of. Raises `BadRow` and `InvalidInput`."""
        return row.work.on(self._project(row), worker=self._worker(row))

    def _project(self, row: Row) -> int:
        at = (row.client, row.project)
        if at not in self.projects:
            raise BadRow(f"there is no project {quoted(row.project)} for a client {quoted(row.client)}")
        found = self.projects[at]
        if found is None:
            raise BadRow(f"the client {quoted(row.client)} has ended; reopen it first")
        return found

    def _worker(self, row: Row) -> Person:
        user_id = self.importer.user_id if row.worker is None else self.ids.get(row.worker)
        if row.worker is None and user_id is None:
            raise BadRow("worker is blank; give the mail address of a member of the tenant")
        # What is another's is answered as what is not there.
        allowed = self.importer.only_worker in (None, user_id)
        if user_id is None or user_id not in self.members or not allowed:
            who = "whoever imports" if row.worker is None else f"worker {quoted(row.worker)}"
            raise BadRow(f"{who} is no member of the tenant whose time you may import")
        return self.members[user_id]


def named_by(session: Session, rows: Sequence[Row], *, importer: Importer) -> Named:
    """Look up what `rows` name."""
    ids = ids_at(session, {row.worker for row in rows if row.worker is not None})
    wanted = {*ids.values(), *([] if importer.user_id is None else [importer.user_id])}
    return Named(
        importer=importer,
        projects=_projects(session, {row.client for row in rows}, tenant_id=importer.tenant_id),
        ids=ids,
        members=_members(session, wanted, tenant_id=importer.tenant_id),
    )


def _projects(
    session: Session, clients: Iterable[str], *, tenant_id: int
) -> dict[tuple[str, str], int | None]:
    found = (
        select(Client.name, Project.name, Project.id, Client.ended_at)
        .join(Project, Project.client_id == Client.id)
        .where(Client.tenant_id == tenant_id, Client.name.in_(sorted(clients)))
    )
    return {
        (client, project): project_id if ended_at is None else None
        for client, project, project_id, ended_at in session.execute(found)
    }


def _members(session: Session, user_ids: Iterable[int], *, tenant_id: int) -> dict[int, Person]:
    found = select(TenantMember.user_id).where(
        TenantMember.tenant_id == tenant_id, TenantMember.user_id.in_(sorted(user_ids))
    )
    return people(session, session.scalars(found).all())

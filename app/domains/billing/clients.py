"""Clients of tenants, and their projects. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.pages import cut
from app.domains.billing.errors import ClientEnded, ClientNotFound, NameTaken, ProjectNotFound
from app.domains.billing.models import Client, Project
from app.domains.billing.tenants import tenant

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.pages import Page
    from app.domains.billing.parties import ClientFacts


def create(session: Session, *, tenant_id: int, facts: ClientFacts, now: datetime) -> Client:
    """A client of a tenant. Raises `TenantNotFound` and `NameTaken`."""
    _refuse_namesake(session, tenant_id=tenant_id, name=facts.name)
    made = Client(tenant_id=tenant_id, **asdict(facts), created_at=now)
    session.add(made)
    session.flush()
    return made


def client(session: Session, *, client_id: int, lock: bool = False) -> Client:
    """The client. Raises `ClientNotFound`.

    Whoever adds, changes or charges its rules locks it, and so sees what another one did just before.
    """
    statement = select(Client).where(Client.id == client_id)
    if lock:
        # What refers to the row is inserted meanwhile.
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise ClientNotFound(client_id=client_id)
    return found


def open_client(session: Session, *, client_id: int) -> Client:
    """The client, locked. Raises `ClientNotFound`, and `ClientEnded` where nothing new is charged to it."""
    found = client(session, client_id=client_id, lock=True)
    if found.ended_at is not None:
        raise ClientEnded(client_id=client_id)
    return found


def replace(session: Session, *, client_id: int, facts: ClientFacts) -> Client:
    """Describe a client anew; invoices keep what they said. Raises `ClientNotFound` and `NameTaken`."""
    found = client(session, client_id=client_id)
    _refuse_namesake(session, tenant_id=found.tenant_id, name=facts.name, but=client_id)
    for name, value in asdict(facts).items():
        setattr(found, name, value)
    session.flush()
    return found


def end(session: Session, *, client_id: int, now: datetime) -> Client:
    """Have a client get no more invoices; said twice, it counts once. Raises `ClientNotFound`."""
    found = client(session, client_id=client_id, lock=True)
    found.ended_at = found.ended_at or now
    session.flush()
    return found


def reopen(session: Session, *, client_id: int) -> Client:
    """Take that back. Raises `ClientNotFound`."""
    found = client(session, client_id=client_id, lock=True)
    found.ended_at = None
    session.flush()
    return found


def clients_of(session: Session, *, tenant_id: int, after: int | None, limit: int) -> Page:
    """A tenant's clients in the order in which they came. Raises `TenantNotFound`."""
    tenant(session, tenant_id=tenant_id)
    rows = select(Client).where(Client.tenant_id == tenant_id, Client.id > (after or 0))
    return cut(session, rows.order_by(Client.id), limit=limit)


def _refuse_namesake(session: Session, *, tenant_id: int, name: str, but: int | None = None) -> None:
    """Raise `NameTaken` where another client has the name; under the tenant's lock, none gets it either."""
    tenant(session, tenant_id=tenant_id, lock=True)
    other = select(Client.id).where(Client.tenant_id == tenant_id, Client.name == name)
    if session.scalar(other) not in (None, but):
        raise NameTaken(kind="client", name=name)


def create_project(
    session: Session, *, client_id: int, name: str, is_billable: bool, now: datetime
) -> Project:
    """A project for a client. Raises `ClientNotFound`, `ClientEnded` and `NameTaken`."""
    open_client(session, client_id=client_id)
    _refuse_other_project(session, client_id=client_id, name=name)
    made = Project(client_id=client_id, name=name, is_billable=is_billable, created_at=now)
    session.add(made)
    session.flush()
    return made


def project(session: Session, *, project_id: int) -> Project:
    """The project. Raises `ProjectNotFound`."""
    found = session.get(Project, project_id)
    if found is None:
        raise ProjectNotFound(project_id=project_id)
    return found


def replace_project(session: Session, *, project_id: int, name: str, is_billable: bool) -> Project:
    """Describe a project anew; what was billed stays so. Raises `ProjectNotFound` and `NameTaken`."""
    found = project(session, project_id=project_id)
    client(session, client_id=found.client_id, lock=True)
    _refuse_other_project(session, client_id=found.client_id, name=name, but=project_id)
    found.name, found.is_billable = name, is_billable
    session.flush()
    return found


def projects_of(session: Session, *, client_id: int, after: int | None, limit: int) -> Page:
    """A client's projects in the order in which they came. Raises `ClientNotFound`."""
    client(session, client_id=client_id)
    rows = select(Project).where(Project.client_id == client_id, Project.id > (after or 0))
    return cut(session, rows.order_by(Project.id), limit=limit)


def _refuse_other_project(session: Session, *, client_id: int, name: str, but: int | None = None) -> None:
    other = select(Project.id).where(Project.client_id == client_id, Project.name == name)
    if session.scalar(other) not in (None, but):
        raise NameTaken(kind="project", name=name)

"""Whose the things of a tenant are: members see most of them, admins change them; time is its worker's."""

from __future__ import annotations

from sqlalchemy import select

from app.db.sessions import reading
from app.domains.billing.errors import (
    ClientNotFound,
    NotTenantAdmin,
    ProjectNotFound,
    RuleNotFound,
    TenantNotFound,
)
from app.domains.billing.models import BillingRule, Client, Project, Role, TenantMember
from app.domains.billing.time_capture.errors import EntryNotFound
from app.domains.billing.time_capture.models import TimeEntry
from app.tokens.callers import MissingScope
from app.tokens.memberships import Membership
from app.tokens.owners import Owner
from app.tokens.scope import EVERYTHING

_ROLES = select(TenantMember.role)
#: The roles of those who work for the tenant of a client; to be narrowed to what belongs to it.
AT_CLIENTS = _ROLES.join(Client, Client.tenant_id == TenantMember.tenant_id)
AT_PROJECTS = AT_CLIENTS.join(Project, Project.client_id == Client.id)
AT_TENANT = Membership(
    shared="tenant", user_id=TenantMember.user_id, admin=Role.ADMIN, not_admin=NotTenantAdmin
)

OF_MEMBERS, OF_ADMINS = AT_TENANT.owners(
    "tenant_id", lambda id_: _ROLES.where(TenantMember.tenant_id == id_), TenantNotFound
)
CLIENT_OF_MEMBERS, CLIENT_OF_ADMINS = AT_TENANT.owners(
    "client_id", lambda id_: AT_CLIENTS.where(Client.id == id_), ClientNotFound
)
PROJECT_OF_MEMBERS, PROJECT_OF_ADMINS = AT_TENANT.owners(
    "project_id", lambda id_: AT_PROJECTS.where(Project.id == id_), ProjectNotFound
)
_, RULE_OF_ADMINS = AT_TENANT.owners(
    "rule_id",
    lambda id_: AT_CLIENTS.join(BillingRule, BillingRule.client_id == Client.id).where(BillingRule.id == id_),
    RuleNotFound,
)


def _role_at_entry(me: int, entry_id: int) -> str:
    """The role of `me` in the tenant of an entry. Raises `EntryNotFound` for what another member worked."""
    found = (
        AT_PROJECTS.add_columns(TimeEntry.user_id)
        .join(TimeEntry, TimeEntry.project_id == Project.id)
        .where(TimeEntry.id == entry_id, TenantMember.user_id == me)
    )
    with reading() as session:
        role, worker = session.execute(found).one_or_none() or (None, None)
    if role is None or (role != Role.ADMIN and worker != me):
        raise EntryNotFound(entry_id=entry_id)
    return str(role)


def _refuse_other_workers(me: int, /, *, entry_id: int) -> None:
    _role_at_entry(me, entry_id)


def _refuse_workers(me: int, /, *, entry_id: int) -> None:
    if _role_at_entry(me, entry_id) != Role.ADMIN:
        raise NotTenantAdmin


ENTRY_OF_WORKERS = Owner(
    says="Whoever worked it, admins of the tenant, and administrators.",
    ids=("entry_id",),
    refuse_others=_refuse_other_workers,
)
ENTRY_OF_ADMINS = Owner(
    says="Admins of the tenant, and administrators.", ids=("entry_id",), refuse_others=_refuse_workers
)


def _refuse_persons(_me: int, /) -> None:
    raise MissingScope(scope=EVERYTHING)


#: What only those who operate the service do, such as to create a tenant.
OF_ADMINISTRATORS = Owner(says="Administrators.", refuse_others=_refuse_persons)

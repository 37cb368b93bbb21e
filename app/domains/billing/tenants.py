"""Tenants and those who work for them. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.db.pages import cut, page_of
from app.domains.accounts.service import known_users, person
from app.domains.billing.errors import LastAdmin, MemberNotFound, NotAMember, TenantNotFound, UnknownUsers
from app.domains.billing.models import Role, Tenant, TenantMember

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.pages import Page
    from app.domains.accounts.facts import Person
    from app.domains.billing.parties import TenantFacts


def create(session: Session, *, facts: TenantFacts, admins: Collection[int], now: datetime) -> Tenant:
    """A tenant and its admins. Raises `UnknownUsers`."""
    unknown = set(admins) - known_users(session, admins)
    if unknown:
        raise UnknownUsers(user_ids=unknown)
    made = Tenant(**asdict(facts), created_at=now)
    session.add(made)
    session.flush()
    session.add_all(TenantMember(tenant_id=made.id, user_id=one, role=Role.ADMIN) for one in set(admins))
    session.flush()
    return made


def tenant(session: Session, *, tenant_id: int, lock: bool = False) -> Tenant:
    """The tenant. Raises `TenantNotFound`."""
    statement = select(Tenant).where(Tenant.id == tenant_id)
    if lock:
        # What refers to the row is inserted meanwhile.
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise TenantNotFound(tenant_id=tenant_id)
    return found


def replace(session: Session, *, tenant_id: int, facts: TenantFacts) -> Tenant:
    """Describe a tenant anew; invoices keep what they said. Raises `TenantNotFound`."""
    found = tenant(session, tenant_id=tenant_id, lock=True)
    for name, value in asdict(facts).items():
        setattr(found, name, value)
    session.flush()
    return found


def tenants(session: Session, *, only_user: int | None, after: int | None, limit: int) -> Page:
    """Tenants in the order in which they came, those that `only_user` works for where one is named."""
    rows = select(Tenant).where(Tenant.id > (after or 0))
    if only_user is not None:
        rows = rows.join(TenantMember).where(TenantMember.user_id == only_user)
    return cut(session, rows.order_by(Tenant.id), limit=limit)


def members(session: Session, *, tenant_id: int, after: int | None, limit: int) -> Page:
    """Those who work for a tenant, each an `id` and a `role`. Raises `TenantNotFound`."""
    tenant(session, tenant_id=tenant_id)
    rows = select(TenantMember.user_id.label("id"), TenantMember.role).where(
        TenantMember.tenant_id == tenant_id, TenantMember.user_id > (after or 0)
    )
    found = session.execute(rows.order_by(TenantMember.user_id).limit(limit + 1)).all()
    return page_of(found, limit=limit)


def role_in(session: Session, *, tenant_id: int, user_id: int) -> Role | None:
    """What a user is in a tenant; None for somebody who does not work for it."""
    found = session.get(TenantMember, (tenant_id, user_id))
    return None if found is None else Role(found.role)


def worker(session: Session, *, tenant_id: int, user_id: int) -> Person:
    """The user, as somebody who works for the tenant. Raises `NotAMember`."""
    if role_in(session, tenant_id=tenant_id, user_id=user_id) is None:
        raise NotAMember(user_id=user_id, tenant_id=tenant_id)
    return person(session, user_id=user_id)


def only_worker(session: Session, *, tenant_id: int, only_user: int | None) -> int | None:
    """Whose time alone a member sees of a tenant; None for its admins, and for those who see all."""
    if only_user is None or role_in(session, tenant_id=tenant_id, user_id=only_user) is Role.ADMIN:
        return None
    return only_user


def set_role(
    session: Session, *, tenant_id: int, user_id: int, role: Role, only_user: int | None = None
) -> TenantMember:
    """Give a member a role; a user who is none becomes one, unless `only_user` asks for it.

    Raises `TenantNotFound`, `LastAdmin`, and `NotAMember` or `UnknownUsers`.
    """
    tenant(session, tenant_id=tenant_id, lock=True)
    found = session.get(TenantMember, (tenant_id, user_id), populate_existing=True)
    if found is None:
        return _join(session, tenant_id=tenant_id, user_id=user_id, role=role, only_user=only_user)
    if role is not Role.ADMIN:
        _check_others(session, found)
    found.role = role
    session.flush()
    return found


def remove(session: Session, *, tenant_id: int, user_id: int) -> None:
    """Have a user work for a tenant no more; their time stays. Raises `MemberNotFound` and `LastAdmin`."""
    tenant(session, tenant_id=tenant_id, lock=True)
    found = session.get(TenantMember, (tenant_id, user_id), populate_existing=True)
    if found is None:
        raise MemberNotFound(user_id=user_id, tenant_id=tenant_id)
    _check_others(session, found)
    session.delete(found)
    session.flush()


def _join(
    session: Session, *, tenant_id: int, user_id: int, role: Role, only_user: int | None
) -> TenantMember:
    # Who may name others by their ids could ask for each id whether there is somebody.
    if only_user is not None:
        raise NotAMember(user_id=user_id, tenant_id=tenant_id)
    if not known_users(session, [user_id]):
        raise UnknownUsers(user_ids={user_id})
    joined = TenantMember(tenant_id=tenant_id, user_id=user_id, role=role)
    session.add(joined)
    session.flush()
    return joined


def _check_others(session: Session, member: TenantMember) -> None:
    """Raise `LastAdmin` unless somebody else runs the tenant, or this one does not."""
    if member.role != Role.ADMIN:
        return
    admins = select(func.count()).where(
        TenantMember.tenant_id == member.tenant_id, TenantMember.role == Role.ADMIN
    )
    if session.scalar(admins) == 1:
        raise LastAdmin(user_id=member.user_id, tenant_id=member.tenant_id)

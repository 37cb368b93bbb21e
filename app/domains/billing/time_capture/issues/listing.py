"""Reads open issues: a person's own, and those of the tenants that they are an admin of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, or_, select

from app.db.pages import page_of
from app.domains.billing.models import Client, Project, Role, TenantMember
from app.domains.billing.time_capture.models import EntryIssue, TimeEntry

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.db.pages import Page


def page(
    session: Session, *, only_user: int | None, tenant_id: int | None, after: int | None, limit: int
) -> Page:
    """Open issues in the order in which they came; of what `only_user` may see, where one is named."""
    rows = (
        select(
            EntryIssue.id,
            EntryIssue.entry_id,
            EntryIssue.kind,
            EntryIssue.sentence,
            EntryIssue.opened_at,
            TimeEntry.user_id,
            TimeEntry.project_id,
            Client.tenant_id,
        )
        .select_from(EntryIssue)
        .join(TimeEntry, TimeEntry.id == EntryIssue.entry_id)
        .join(Project, Project.id == TimeEntry.project_id)
        .join(Client, Client.id == Project.client_id)
        .where(EntryIssue.closed_at.is_(None), EntryIssue.id > (after or 0))
    )
    if only_user is not None:
        rows = rows.where(_may_see(only_user))
    if tenant_id is not None:
        rows = rows.where(Client.tenant_id == tenant_id)
    return page_of(session.execute(rows.order_by(EntryIssue.id).limit(limit + 1)).all(), limit=limit)


def count_open(session: Session, user_ids: Collection[int]) -> dict[int, int]:
    """How many open issues the entries of each of the users have; of none, it is left out."""
    counted = _open(TimeEntry.user_id, func.count()).where(TimeEntry.user_id.in_(user_ids))
    rows = session.execute(counted.group_by(TimeEntry.user_id))
    return {user_id: count for user_id, count in rows}  # noqa: C416 (typed; dict() of rows is not)


def first_open(session: Session, *, user_id: int, limit: int) -> Sequence[str]:
    """What the user's first open issues say."""
    rows = _open(EntryIssue.sentence, EntryIssue.entry_id).where(TimeEntry.user_id == user_id)
    found = session.execute(rows.order_by(EntryIssue.id).limit(limit))
    return [f"Entry {entry_id}: {sentence}" for sentence, entry_id in found]


def _open(*columns: Any) -> Select[Any]:
    opened = select(*columns).select_from(EntryIssue).join(TimeEntry, TimeEntry.id == EntryIssue.entry_id)
    return opened.where(EntryIssue.closed_at.is_(None))


def _may_see(user_id: int) -> ColumnElement[bool]:
    return exists().where(
        TenantMember.user_id == user_id,
        TenantMember.tenant_id == Client.tenant_id,
        or_(TenantMember.role == Role.ADMIN, TimeEntry.user_id == user_id),
    )

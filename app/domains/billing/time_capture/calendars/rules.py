"""Which project an event is time for: rules that each user has, of which the first that fits counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from app.domains.accounts.service import find_user
from app.domains.billing.errors import ProjectNotFound
from app.domains.billing.integrations.models import Integration, SyncedEvent
from app.domains.billing.models import Client, Project, TenantMember
from app.domains.billing.time_capture.models import CaptureRule

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

#: How old events may be that are looked at anew by other rules: as old as calendars are read.
LOOKED_AT = timedelta(days=62)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Events whose title holds `words`, whatever the case, are time on a project; no words fit all."""

    project_id: int
    words: str

    def fits(self, title: str) -> bool:
        """Whether an event of that title is meant."""
        return self.words.casefold() in title.casefold()


def rules_of(session: Session, *, user_id: int) -> Sequence[CaptureRule]:
    """The user's rules in their order. Raises `UserNotFound`."""
    find_user(session, user_id=user_id)
    rows = select(CaptureRule).where(CaptureRule.user_id == user_id)
    return session.scalars(rows.order_by(CaptureRule.position)).all()


def replace(session: Session, *, user_id: int, rules: Sequence[Rule], now: datetime) -> Sequence[CaptureRule]:
    """Have these rules in place of those before; events that are no entries yet are looked at by them.

    Raises `UserNotFound`, and `ProjectNotFound` for one of a tenant that the user does not work for.
    """
    find_user(session, user_id=user_id)
    _check_projects(session, {rule.project_id for rule in rules}, user_id=user_id)
    session.execute(delete(CaptureRule).where(CaptureRule.user_id == user_id))
    rows = [
        {"user_id": user_id, "position": position, "project_id": rule.project_id, "words": rule.words}
        for position, rule in enumerate(rules)
    ]
    if rows:
        session.execute(insert(CaptureRule), rows)
    _look_anew(session, user_id=user_id, since=now - LOOKED_AT)
    return rules_of(session, user_id=user_id)


def usable_rules(session: Session, *, user_id: int) -> Sequence[Rule]:
    """The user's rules for projects of clients that still get invoices, of tenants the user works for."""
    statement = (
        select(CaptureRule.project_id, CaptureRule.words)
        .join(Project, Project.id == CaptureRule.project_id)
        .join(Client, Client.id == Project.client_id)
        .join(
            TenantMember,
            (TenantMember.tenant_id == Client.tenant_id) & (TenantMember.user_id == CaptureRule.user_id),
        )
        .where(CaptureRule.user_id == user_id, Client.ended_at.is_(None))
        .order_by(CaptureRule.position)
    )
    return [Rule(project_id=id_, words=words) for id_, words in session.execute(statement)]


def _check_projects(session: Session, project_ids: Collection[int], *, user_id: int) -> None:
    theirs = (
        select(Project.id)
        .join(Client, Client.id == Project.client_id)
        .join(TenantMember, TenantMember.tenant_id == Client.tenant_id)
        .where(TenantMember.user_id == user_id, Project.id.in_(project_ids))
    )
    missing = set(project_ids) - set(session.scalars(theirs))
    if missing:
        raise ProjectNotFound(project_id=min(missing))


def _look_anew(session: Session, *, user_id: int, since: datetime) -> None:
    theirs = select(Integration.id).where(Integration.user_id == user_id)
    events = update(SyncedEvent).where(
        SyncedEvent.integration_id.in_(theirs), SyncedEvent.is_captured, SyncedEvent.ends_at >= since
    )
    session.execute(events.values(is_captured=False).execution_options(synchronize_session=False))

"""What time capture holds about people: what they worked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from app.domains.billing.invoices.models import LineEntry
from app.domains.billing.models import Client, Project, TenantMember
from app.domains.billing.time_capture.models import (
    CapturedEvent,
    CaptureRule,
    DailySummary,
    EntryIssue,
    EntryState,
    TimeEntry,
)
from app.personal_data.declaration import Declaration, Delete, Exemption, PersonalTable

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from app.personal_data.declaration import Subject


def _entries(who: Subject) -> Select[int]:
    return select(TimeEntry.id).where(TimeEntry.user_id == who.user_id)


def _staying(who: Subject) -> ColumnElement[bool]:
    """What was worked for others, or is charged."""
    of_others = (
        select(Project.id)
        .join(Client, Client.id == Project.client_id)
        .join(TenantMember, TenantMember.tenant_id == Client.tenant_id)
        .where(TenantMember.user_id != who.user_id)
    )
    return or_(
        TimeEntry.project_id.in_(of_others),
        TimeEntry.state.in_((EntryState.APPROVED, EntryState.BILLED)),
        TimeEntry.id.in_(select(LineEntry.entry_id)),
    )


DECLARATION = Declaration(
    tables=(
        PersonalTable(
            model=TimeEntry,
            rows=lambda who: TimeEntry.user_id == who.user_id,
            erasure=Delete(),
            but=Exemption(
                rows=_staying,
                reason="Time that was worked for a business of other people is its record, and time that was "
                "approved or billed proves what an invoice charges and is kept as long as the invoice (GDPR, "
                "Article 17(3)(b)); whose work it was is no longer said.",
            ),
        ),
        PersonalTable(
            model=EntryIssue, rows=lambda who: EntryIssue.entry_id.in_(_entries(who)), erasure=Delete()
        ),
        PersonalTable(
            model=DailySummary, rows=lambda who: DailySummary.user_id == who.user_id, erasure=Delete()
        ),
        PersonalTable(
            model=CaptureRule, rows=lambda who: CaptureRule.user_id == who.user_id, erasure=Delete()
        ),
        PersonalTable(
            model=CapturedEvent, rows=lambda who: CapturedEvent.user_id == who.user_id, erasure=Delete()
        ),
    )
)

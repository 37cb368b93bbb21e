"""What time capture holds about people: what they worked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.billing.invoices.models import LineEntry
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


def _charged(_who: Subject) -> ColumnElement[bool]:
    return TimeEntry.state.in_((EntryState.APPROVED, EntryState.BILLED)) | TimeEntry.id.in_(
        select(LineEntry.entry_id)
    )


DECLARATION = Declaration(
    tables=(
        PersonalTable(
            model=TimeEntry,
            rows=lambda who: TimeEntry.user_id == who.user_id,
            erasure=Delete(),
            but=Exemption(
                rows=_charged,
                reason="Work that was approved or billed proves what an invoice charges, and is kept as long "
                "as the invoice (GDPR, Article 17(3)(b)); whose work it was is no longer said.",
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

"""Time that was approved when the invoice of its month was out: an issue says so while that lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.domains.billing.time_capture.issues import keeping
from app.domains.billing.time_capture.models import EntryIssue, EntryState, IssueKind, TimeEntry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.billing.invoices.models import Invoice


def note_late(session: Session, entry_ids: Sequence[int], *, invoice: Invoice, now: datetime) -> None:
    """Open the issue of entries that `invoice` does not have any more; it is there once."""
    sentence = (
        f"Invoice {invoice.number} for {invoice.period} was out before this was approved: it is not charged. "
        "Credit that invoice and make the month's invoices again, or reject the entry."
    )
    for entry_id in entry_ids:
        keeping.open_one(session, entry_id=entry_id, kind=IssueKind.BILLED_PERIOD, sentence=sentence, now=now)


def close_settled(session: Session, *, now: datetime) -> None:
    """Close the issues of entries that are billed by now, or not approved any more."""
    settled = select(TimeEntry.id).where(TimeEntry.id == EntryIssue.entry_id)
    late = (EntryIssue.kind == IssueKind.BILLED_PERIOD) & EntryIssue.closed_at.is_(None)
    closing = update(EntryIssue).where(late, settled.where(TimeEntry.state != EntryState.APPROVED).exists())
    session.execute(closing.values(closed_at=now).execution_options(synchronize_session=False))

"""Forgets what nobody needs any more, by age.

What the service keeps for `GROUNDWORK_RETENTION_DAYS` it keeps for no less: finished jobs with their results,
the runs of schedules, and deliveries, whose keys hold what is sent to once. They go as they go by themselves,
so that this finds those alone which that did not come to.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import delete, or_, select

from app.db.clock import now as db_now
from app.db.pruning import kept_since, prune
from app.domains.billing.invoices.models import Invoice, InvoiceDocument, InvoiceState
from app.domains.billing.time_capture.models import EntryIssue
from app.jobs.transitions import rollup
from app.outbound.deliveries.models import Delivery
from app.outbound.deliveries.service import SETTLED
from app.schedule import history

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

#: PDFs in one transaction.
CHUNK = 100


def forget(session: Session, *, days: int, commit: Checkpoint) -> dict[str, int]:
    """Delete what ended more than `days` ago, in batches that `commit` ends; how many of each."""
    before = db_now(session) - timedelta(days=days)
    kept = min(before, kept_since(session))
    settled = Delivery.state.in_(SETTLED) & (Delivery.changed_at < kept)
    return {
        "jobs": _drained(lambda: rollup.prune(session, before=kept), commit=commit),
        "schedule_runs": _drained(lambda: history.forget(session, before=kept), commit=commit),
        "deliveries": prune(session, select(Delivery.id).where(settled), commit=commit),
        "issues": prune(session, select(EntryIssue.id).where(EntryIssue.closed_at < before), commit=commit),
        "draft_pdfs": _drained(lambda: _forget_pdfs(session, before=before), commit=commit),
    }


def _drained(batch: Callable[[], int], *, commit: Checkpoint) -> int:
    """Call `batch` until it finds no more; how many it found."""
    total = 0
    while found := batch():
        total += found
        commit()
    return total


def _forget_pdfs(session: Session, *, before: datetime) -> int:
    """Delete some PDFs of what never went out, and is not going out now."""
    idle = (Invoice.state == InvoiceState.DRAFT) & Invoice.mailing_since.is_(None)
    old = (
        select(InvoiceDocument.invoice_id)
        .join(Invoice, Invoice.id == InvoiceDocument.invoice_id)
        .where(InvoiceDocument.rendered_at < before, or_(idle, Invoice.state == InvoiceState.CANCELED))
    )
    gone = delete(InvoiceDocument).where(InvoiceDocument.invoice_id.in_(old.limit(CHUNK)))
    done = session.execute(gone.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", done).rowcount

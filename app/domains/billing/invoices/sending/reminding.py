"""Reminds clients of invoices that are due soon: once for each invoice and lead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from app.domains.billing.invoices.models import Invoice, InvoiceKind, InvoiceState
from app.domains.billing.invoices.sending.wording import mail_context
from app.domains.billing.models import Client, Tenant
from app.outbound.mail.service import queue_mail
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

#: Invoices that are looked at in one transaction.
CHUNK = 200
UNPAID = (InvoiceState.SENT, InvoiceState.PARTIAL)
#: A tenant's day can be as far from that of UTC.
_ZONES = timedelta(days=1)


@dataclass(kw_only=True)
class Reminded:
    """What a run did."""

    looked_at: int = 0
    reminded: int = 0


def send_reminders(
    session: Session, *, lead: int, now: datetime, commit: Checkpoint, chunk: int = CHUNK
) -> Reminded:
    """Remind of what is due within `lead` days, by the tenant's clock; `commit` ends each chunk.

    What an outage delayed is told later, while it is not due yet. What was told at fewer days is not told
    at more.
    """
    done, after = Reminded(), 0
    while True:
        rows = _due_soon(lead, now=now).where(Invoice.id > after).order_by(Invoice.id).limit(chunk)
        # Locked, so that of two runs one tells; in the order of ids, so that they do not block each other.
        found: Sequence[Invoice] = session.scalars(rows.with_for_update(key_share=True)).all()
        for invoice in found:
            done.reminded += _remind(session, invoice, lead=lead, now=now)
        done.looked_at += len(found)
        commit({"reminded": done.reminded})
        if len(found) < chunk:
            return done
        after = found[-1].id


def _due_soon(lead: int, *, now: datetime) -> Select[Invoice]:
    today = now.date()
    return (
        select(Invoice)
        .where(Invoice.kind == InvoiceKind.INVOICE, Invoice.state.in_(UNPAID))
        .where(Invoice.due_on.between(today - _ZONES, today + timedelta(days=lead) + _ZONES))
        .where(or_(Invoice.reminded_lead.is_(None), Invoice.reminded_lead > lead))
        .execution_options(populate_existing=True)
    )


def _remind(session: Session, invoice: Invoice, *, lead: int, now: datetime) -> bool:
    tenant = session.get_one(Tenant, invoice.tenant_id)
    left = (invoice.due_on - local_time(now, timezone=tenant.timezone).date()).days
    if not 0 <= left <= lead:
        return False
    invoice.reminded_lead = lead
    queue_mail(
        session,
        key=f"invoice-reminder:{invoice.id}:{invoice.due_on}:{lead}",
        to=[session.get_one(Client, invoice.client_id).email],
        template="invoices/reminder",
        context=mail_context(invoice) | {"days": left},
    )
    return True

"""Finds invoices that are not paid in time, and tells of each on a few days, once on each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.billing.invoices.models import Invoice, InvoiceKind, InvoiceState
from app.domains.billing.invoices.sending import wording
from app.domains.billing.models import Client, Role, Tenant, TenantMember
from app.domains.notifications.facts import Notice
from app.domains.notifications.service import notify_all
from app.outbound.mail.service import queue_mail
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

TYPE = "invoice_overdue"
#: Days after the due date on which it is told. Of days that an outage took, the last is told later.
STEPS = (1, 7, 14, 30)
#: Invoices that are looked at in one transaction.
CHUNK = 200
UNPAID = (InvoiceState.SENT, InvoiceState.PARTIAL, InvoiceState.OVERDUE)


@dataclass(kw_only=True)
class Overdue:
    """What a run found, and what it told."""

    looked_at: int = 0
    became_overdue: int = 0
    told: int = 0


def check(session: Session, *, now: datetime, commit: Checkpoint, chunk: int = CHUNK) -> Overdue:
    """Mark and tell of what is overdue by the tenant's clock; `commit` ends each chunk."""
    done, after = Overdue(), 0
    # A tenant's day can be one ahead of that of UTC.
    until = now.date() + timedelta(days=1)
    while True:
        rows = (
            select(Invoice)
            .where(Invoice.kind == InvoiceKind.INVOICE, Invoice.state.in_(UNPAID), Invoice.due_on < until)
            .where(Invoice.overdue_told < STEPS[-1], Invoice.id > after)
            .order_by(Invoice.id)
            .limit(chunk)
        )
        # Locked, so that of two runs one tells, and none after a payment.
        locked = rows.with_for_update(key_share=True).execution_options(populate_existing=True)
        found: Sequence[Invoice] = session.scalars(locked).all()
        for invoice in found:
            _judge(session, invoice, now=now, done=done)
        done.looked_at += len(found)
        commit({"told": done.told})
        if len(found) < chunk:
            return done
        after = found[-1].id


def _judge(session: Session, invoice: Invoice, *, now: datetime, done: Overdue) -> None:
    tenant = session.get_one(Tenant, invoice.tenant_id)
    days = (local_time(now, timezone=tenant.timezone).date() - invoice.due_on).days
    if days < STEPS[0]:
        return
    done.became_overdue += invoice.state != InvoiceState.OVERDUE
    invoice.state = InvoiceState.OVERDUE
    step = max(step for step in STEPS if step <= days)
    if step > invoice.overdue_told:
        invoice.overdue_told = step
        _tell(session, invoice, step=step, days=days, now=now)
        done.told += 1


def _tell(session: Session, invoice: Invoice, *, step: int, days: int, now: datetime) -> None:
    """Tell the client by mail, and the tenant's admins as they like to be told."""
    key = f"invoice-overdue:{invoice.id}:{step}"
    queue_mail(
        session,
        key=key,
        to=[session.get_one(Client, invoice.client_id).email],
        template="invoices/overdue",
        context=wording.mail_context(invoice) | {"days": days, "last": step == STEPS[-1]},
    )
    admins = (TenantMember.tenant_id == invoice.tenant_id) & (TenantMember.role == Role.ADMIN)
    notices = [
        Notice(
            key=f"{key}:{user_id}",
            user_id=user_id,
            type=TYPE,
            title=wording.overdue_title(invoice, days=days),
            body=wording.overdue_body(invoice, days=days),
            data={"invoice_id": invoice.id, "number": invoice.number, "days": days},
        )
        for user_id in session.scalars(select(TenantMember.user_id).where(admins))
    ]
    notify_all(session, notices, now=now)

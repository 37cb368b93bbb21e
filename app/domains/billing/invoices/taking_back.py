"""Takes invoices back: one that is out by a credit note, a draft by canceling it.

An invoice that is out is never changed. What was on it can be charged again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from app.domains.billing.charging.periods import Period
from app.domains.billing.invoices.errors import MailUnderWay, WrongState
from app.domains.billing.invoices.finding import locked
from app.domains.billing.invoices.generating import unused
from app.domains.billing.invoices.generating.numbering import take_numbers
from app.domains.billing.invoices.generating.rows import Rows
from app.domains.billing.invoices.models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
    LineEntry,
)
from app.domains.billing.models import Tenant
from app.domains.billing.time_capture.models import EntryState, TimeEntry
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

OUT = (InvoiceState.SENT, InvoiceState.PARTIAL, InvoiceState.OVERDUE, InvoiceState.PAID)


def credit(session: Session, *, invoice_id: int, now: datetime) -> Invoice:
    """The credit note of an invoice that is out: made once, a draft until it is mailed.

    Raises `WrongState`, and `NumberTaken`.
    """
    invoice = locked(session, invoice_id=invoice_id)
    if invoice.state == InvoiceState.CREDITED:
        return session.scalars(select(Invoice).where(Invoice.credits_id == invoice.id)).one()
    if invoice.kind != InvoiceKind.INVOICE or invoice.state not in OUT:
        raise WrongState(invoice, wanted="only an invoice that was sent is credited; a draft is canceled")
    _release(session, invoice, now=now)
    invoice.state = InvoiceState.CREDITED
    return _credit_note(session, invoice, now=now)


def cancel(session: Session, *, invoice_id: int, now: datetime) -> Invoice:
    """Cancel a draft, which keeps its number. Raises `WrongState`, and `MailUnderWay`."""
    invoice = locked(session, invoice_id=invoice_id)
    if invoice.state == InvoiceState.CANCELED:
        return invoice
    if invoice.kind != InvoiceKind.INVOICE or invoice.state != InvoiceState.DRAFT:
        raise WrongState(
            invoice, wanted="only a draft of an invoice is canceled; one that is out is credited"
        )
    if invoice.mailing_since is not None:
        raise MailUnderWay(invoice)
    _release(session, invoice, now=now)
    invoice.state = InvoiceState.CANCELED
    session.flush()
    return invoice


def _release(session: Session, invoice: Invoice, *, now: datetime) -> None:
    """Let what is on it be charged again: its time, and the hours that its fees included."""
    on_it = select(LineEntry.entry_id).where(LineEntry.invoice_id == invoice.id)
    billed = TimeEntry.id.in_(on_it) & (TimeEntry.state == EntryState.BILLED)
    again = update(TimeEntry).where(billed).values(state=EntryState.APPROVED, changed_at=now)
    session.execute(again.execution_options(synchronize_session=False))
    rules = session.scalars(select(InvoiceLine.rule_id).where(InvoiceLine.invoice_id == invoice.id)).all()
    unused.forget(session, set(rules), period=Period.parse(invoice.period))


def _credit_note(session: Session, invoice: Invoice, *, now: datetime) -> Invoice:
    tenant = session.get_one(Tenant, invoice.tenant_id)
    today = local_time(now, timezone=tenant.timezone).date()
    below = Rows.stored(session, invoice_id=invoice.id)
    (number,) = take_numbers(session, tenant, day=today, count=1)
    same = ("tenant_id", "client_id", "project_id", "period", "currency", "seller", "buyer")
    note = Invoice(
        **{name: getattr(invoice, name) for name in same},
        kind=InvoiceKind.CREDIT_NOTE,
        credits_id=invoice.id,
        state=InvoiceState.DRAFT,
        number=number.text,
        year=number.year,
        sequence=number.sequence,
        net=-invoice.net,
        tax=-invoice.tax,
        gross=-invoice.gross,
        paid=0,
        issued_on=today,
        due_on=today,
        created_at=now,
        refused_mails=0,
        overdue_told=0,
    )
    session.add(note)
    session.flush()
    for table, rows in ((InvoiceLine, below.lines), (InvoiceTax, below.taxes)):
        if rows:
            session.execute(insert(table), [_given_back(row, note) for row in rows])
    return note


def _given_back(row: dict[str, Any], note: Invoice) -> dict[str, Any]:
    amounts = {name: -row[name] for name in ("net", "tax") if name in row}
    return row | amounts | {"invoice_id": note.id}

"""Mails invoices and credit notes, each once, and marks them as sent after that.

What is mailed is put down first: its date, its parties, its PDF and the mail. From then on it is not made
anew. A mail that is refused for good lets go of it: it is a draft as before, an alert says why, and the next
mail has another name.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.domains.billing.invoices.errors import NobodyToMail, WrongState
from app.domains.billing.invoices.finding import locked
from app.domains.billing.invoices.generating.standing import buyer_of, seller_of
from app.domains.billing.invoices.models import Invoice, InvoiceDocument, InvoiceKind, InvoiceState
from app.domains.billing.invoices.sending import alerting
from app.domains.billing.invoices.sending.printing import pdf_of
from app.domains.billing.invoices.sending.wording import mail_context
from app.domains.billing.models import Client, Tenant
from app.errors import GroundworkError
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.outbound.deliveries.errors import Refused, Uncertain
from app.outbound.deliveries.models import DeliveryState
from app.outbound.mail import service as mail
from app.outbound.mail.message import Attachment
from app.outbound.mail.rendering import render
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.billing.sales.models import SaleInvoice
    from app.outbound.deliveries.models import Delivery

MAIL_TASK = "notifications.send_invoice_email"
PDF = "application/pdf"
#: Drafts whose mails are asked for in one transaction.
CHUNK = 200


def request_all(session: Session, *, now: datetime, commit: Checkpoint) -> dict[str, int]:
    """Have every draft mailed; `commit` ends each chunk. Twice on a day is once."""
    alerting.look_again(session)
    counts = {"drafts": 0, "queued": 0}
    after = 0
    while True:
        rows = _drafts(after=after).limit(CHUNK)
        found: Sequence[int] = session.scalars(rows).all()
        jobs = [
            new_job(MAIL_TASK, kwargs={"invoice_id": id_}, key=f"invoice-mail:{id_}:{now.date()}")
            for id_ in found
        ]
        counts["drafts"] += len(found)
        counts["queued"] += sum(answer.created for answer in accept(session, jobs))
        commit(counts)
        if len(found) < CHUNK:
            return counts
        after = found[-1]


def _drafts(*, after: int) -> Select[int]:
    waits = (Invoice.state == InvoiceState.DRAFT) & (Invoice.id > after)
    return select(Invoice.id).where(waits).order_by(Invoice.id)


def request(session: Session, *, invoice_id: int) -> str:
    """Have a draft mailed now; the id of the job. Raises `WrongState` for what was sent, or never is."""
    invoice = locked(session, invoice_id=invoice_id)
    if invoice.state != InvoiceState.DRAFT:
        raise WrongState(invoice, wanted="only a draft is sent")
    return accept(session, [new_job(MAIL_TASK, kwargs={"invoice_id": invoice_id})])[0].id


def send(
    session: Session,
    *,
    invoice_id: int,
    to: str | None = None,
    name: str | None = None,
    layout: str | None = None,
    job_id: str,
    now: datetime,
    commit: Checkpoint,
) -> dict[str, Any]:
    """Mail an invoice, unless it was; what became of that.

    `to`, `name` and `layout` take the place of what the client and the tenant say. Raises what the delivery
    of mail does, and `NobodyToMail`.
    """
    invoice = locked(session, invoice_id=invoice_id)
    if invoice.state != InvoiceState.DRAFT:
        return {"invoice": invoice.number, "status": invoice.state, "mailed": False}
    try:
        delivery = _put_down(session, invoice, to=to, name=name, layout=layout, now=now)
    except GroundworkError as error:
        session.rollback()
        _fail(session, invoice_id=invoice_id, error=error, commit=commit)
        raise
    # Committed before the mail: whoever makes invoices sees that this one is on its way.
    commit()
    try:
        told = mail.send_mail(session, delivery, job_id=job_id, commit=commit)
    except (Refused, Uncertain) as error:
        _fail(session, invoice_id=invoice_id, error=error, commit=commit)
        raise
    if told["status"] != DeliveryState.SENT:
        refused = NobodyToMail(invoice, address=delivery.recipient, problem=str(told["problem"]))
        _fail(session, invoice_id=invoice_id, error=refused, commit=commit)
        raise refused
    invoice = locked(session, invoice_id=invoice_id)
    _mark_sent(session, invoice, now=now)
    return {"invoice": invoice.number, "status": invoice.state, "mailed": True}


def _put_down(
    session: Session, invoice: Invoice, *, to: str | None, name: str | None, layout: str | None, now: datetime
) -> Delivery:
    if invoice.mailing_since is None:
        _date(session, invoice, now=now)
        _print(session, invoice, layout=layout, now=now)
        invoice.mailing_since = now
        session.flush()
    document = session.get_one(InvoiceDocument, invoice.id)
    file = Attachment(name=file_name(invoice), media_type=PDF, data=document.content)
    message = render(
        key=f"invoice:{invoice.id}:{invoice.refused_mails}",
        to=[to or invoice.buyer["email"]],
        template="invoices/invoice",
        context=mail_context(invoice, name=name),
    )
    return mail.prepare_mail(session, replace(message, attachments=(file,)))


def file_name(invoice: Invoice | SaleInvoice) -> str:
    """What its PDF is called; numbers may hold what a file's name may not."""
    kind = "credit-note" if invoice.kind == InvoiceKind.CREDIT_NOTE else "invoice"
    number = "".join(one if one.isalnum() or one in "-_." else "-" for one in invoice.number)
    return f"{kind}-{number}.pdf"


def _date(session: Session, invoice: Invoice, *, now: datetime) -> None:
    """Date it to today, but not past the year of its number; the parties are who they are today."""
    tenant = session.get_one(Tenant, invoice.tenant_id, populate_existing=True)
    client = session.get_one(Client, invoice.client_id)
    today = local_time(now, timezone=tenant.timezone).date()
    invoice.issued_on = min(today, date(invoice.year, 12, 31)) if invoice.year else today
    is_invoice = invoice.kind == InvoiceKind.INVOICE
    invoice.due_on = invoice.issued_on + timedelta(days=client.payment_days if is_invoice else 0)
    if is_invoice:
        invoice.seller, invoice.buyer = seller_of(tenant), buyer_of(client)
    else:  # what it credits was between these; it goes to where they read mail today
        invoice.buyer = invoice.buyer | {"email": client.email}


def _print(session: Session, invoice: Invoice, *, layout: str | None, now: datetime) -> None:
    content = pdf_of(session, invoice, layout=layout, final=True)
    session.merge(
        InvoiceDocument(
            invoice_id=invoice.id,
            layout=layout or invoice.seller["layout"],
            sha256=hashlib.sha256(content).hexdigest(),
            content=content,
            rendered_at=now,
        )
    )


def _mark_sent(session: Session, invoice: Invoice, *, now: datetime) -> None:
    """Mark it as sent; of one for nothing, nothing is due."""
    is_due = invoice.kind == InvoiceKind.INVOICE and invoice.gross > 0
    is_paid = invoice.kind == InvoiceKind.INVOICE and not is_due
    invoice.state = InvoiceState.PAID if is_paid else InvoiceState.SENT
    invoice.sent_at = now
    alerting.mailed(session, invoice)


def _fail(session: Session, *, invoice_id: int, error: GroundworkError, commit: Checkpoint) -> None:
    """Tell of a mail that did not go out, and let go of the draft unless the mail may have gone out."""
    invoice = locked(session, invoice_id=invoice_id)
    if not isinstance(error, Uncertain) and invoice.mailing_since is not None:
        invoice.mailing_since = None
        invoice.refused_mails += 1
    alerting.not_mailed(session, invoice, why=str(error))
    commit()

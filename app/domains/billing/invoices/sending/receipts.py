"""Thanks clients for payments by mail, once for each payment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domains.billing.invoices.finding import invoice_of
from app.domains.billing.invoices.payments import payment_of
from app.domains.billing.invoices.sending.wording import receipt_context
from app.domains.billing.models import Client
from app.outbound.mail import service as mail
from app.outbound.mail.rendering import render

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint


def send(
    session: Session,
    *,
    payment_id: int,
    to: str | None = None,
    name: str | None = None,
    job_id: str,
    commit: Checkpoint,
) -> dict[str, Any]:
    """Send the receipt of a payment; what became of it. Raises `PaymentNotFound`, and what mail does."""
    payment = payment_of(session, payment_id=payment_id)
    invoice = invoice_of(session, invoice_id=payment.invoice_id)
    message = render(
        key=f"invoice-payment:{payment.id}",
        to=[to or session.get_one(Client, invoice.client_id).email],
        template="invoices/receipt",
        context=receipt_context(invoice, payment, name=name),
    )
    return mail.send_mail(session, mail.prepare_mail(session, message), job_id=job_id, commit=commit)

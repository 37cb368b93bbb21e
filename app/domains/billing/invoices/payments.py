"""Money that comes for invoices, in part and in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.billing.charging.periods import Period
from app.domains.billing.invoices.errors import (
    KeyOfAnotherPayment,
    MoreThanDue,
    NothingPaid,
    PaidBeforeIssue,
    PaymentNotFound,
    WrongCurrency,
    WrongState,
)
from app.domains.billing.invoices.finding import locked
from app.domains.billing.invoices.models import Invoice, InvoiceKind, InvoiceState, Payment
from app.domains.billing.models import Tenant
from app.jobs.celery.application import celery_app
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

RECEIPT_TASK = "notifications.send_payment_email"
PAYABLE = (InvoiceState.SENT, InvoiceState.PARTIAL, InvoiceState.OVERDUE)
#: Of the payment of whatever was due.
REST_KEY = "rest"


def record(
    session: Session,
    *,
    invoice_id: int,
    key: str,
    amount: int,
    currency: str,
    received_on: date | None,
    now: datetime,
) -> Payment:
    """Note that money came, once per `key`, and have the client thanked.

    Without a day it came today, by the tenant's clock. Raises `WrongCurrency`, `NothingPaid`, `MoreThanDue`,
    `PaidBeforeIssue`, `WrongState`, and `KeyOfAnotherPayment`.
    """
    invoice = locked(session, invoice_id=invoice_id)
    if currency != invoice.currency:
        raise WrongCurrency(invoice, currency=currency)
    known = _known(session, invoice, key=key)
    if known is not None:
        if (known.amount, known.received_on) != (amount, received_on or known.received_on):
            raise KeyOfAnotherPayment(invoice, key=key)
        return known
    return _add(session, invoice, key=key, amount=amount, received_on=received_on, now=now)


def pay_rest(session: Session, *, invoice_id: int, received_on: date | None, now: datetime) -> Invoice:
    """Note that all that was due came; of one that is paid, nothing is. Raises `WrongState`."""
    invoice = locked(session, invoice_id=invoice_id)
    if invoice.state != InvoiceState.PAID:
        due = invoice.gross - invoice.paid
        _add(session, invoice, key=REST_KEY, amount=due, received_on=received_on, now=now)
    return invoice


def payment_of(session: Session, *, payment_id: int) -> Payment:
    """The payment. Raises `PaymentNotFound`."""
    found = session.get(Payment, payment_id)
    if found is None:
        raise PaymentNotFound(payment_id=payment_id)
    return found


def payments_of(session: Session, *, invoice_id: int) -> Sequence[Payment]:
    """All that came for an invoice, in the order in which it was noted."""
    rows = select(Payment).where(Payment.invoice_id == invoice_id)
    return session.scalars(rows.order_by(Payment.id)).all()


def _known(session: Session, invoice: Invoice, *, key: str) -> Payment | None:
    return session.scalar(select(Payment).where(Payment.invoice_id == invoice.id, Payment.key == key))


def _add(
    session: Session, invoice: Invoice, *, key: str, amount: int, received_on: date | None, now: datetime
) -> Payment:
    if invoice.kind != InvoiceKind.INVOICE or invoice.state not in PAYABLE:
        raise WrongState(invoice, wanted="only an invoice that was sent and is due is paid")
    if amount <= 0:
        raise NothingPaid(amount=amount, currency=invoice.currency)
    if amount > invoice.gross - invoice.paid:
        raise MoreThanDue(invoice, amount=amount)
    payment = Payment(
        invoice_id=invoice.id,
        key=key,
        amount=amount,
        received_on=_day(session, invoice, received_on, now=now),
        created_at=now,
    )
    session.add(payment)
    invoice.paid += amount
    invoice.state = _state(invoice)
    session.flush()
    celery_app.send_task(RECEIPT_TASK, kwargs={"payment_id": payment.id}, key=f"receipt:{payment.id}")
    return payment


def _day(session: Session, invoice: Invoice, received_on: date | None, *, now: datetime) -> date:
    tenant = session.get_one(Tenant, invoice.tenant_id)
    today = local_time(now, timezone=tenant.timezone).date()
    received_on = received_on or today
    if not Period.parse(invoice.period).first <= received_on <= today:
        raise PaidBeforeIssue(invoice, received_on=received_on, today=today)
    return received_on


def _state(invoice: Invoice) -> InvoiceState:
    """One that is overdue stays so until all of it is paid."""
    if invoice.paid == invoice.gross:
        return InvoiceState.PAID
    return InvoiceState.OVERDUE if invoice.state == InvoiceState.OVERDUE else InvoiceState.PARTIAL

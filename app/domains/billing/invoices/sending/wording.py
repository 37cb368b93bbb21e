"""What clients and admins are told of invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domains.billing.charging.periods import Period
from app.domains.billing.invoices.models import InvoiceKind
from app.values.money import shown

if TYPE_CHECKING:
    from datetime import date

    from app.domains.billing.invoices.models import Invoice, Payment

#: What the sentences here, and the mails, are written in.
LOCALE = "en_GB"


def day(value: date) -> str:
    """A day that no reader takes for another, such as 3 March 2026."""
    return _formatted(value, "d MMMM y")


def _formatted(value: date, pattern: str) -> str:
    from babel.dates import format_date  # not above: services would start later for it

    return format_date(value, format=pattern, locale=LOCALE)


def mail_context(invoice: Invoice, *, name: str | None = None) -> dict[str, Any]:
    """What mails of an invoice say; `name` is whom they greet."""
    return {
        "name": name or invoice.buyer["name"],
        "tenant": invoice.seller["name"],
        "what": "Credit note" if invoice.kind == InvoiceKind.CREDIT_NOTE else "Invoice",
        "number": invoice.number,
        "month": _formatted(Period.parse(invoice.period).first, "MMMM y"),
        "gross": shown(abs(invoice.gross), invoice.currency),
        "due": shown(invoice.gross - invoice.paid, invoice.currency),
        "due_on": day(invoice.due_on),
        "is_credit": invoice.kind == InvoiceKind.CREDIT_NOTE,
        "contact": invoice.seller["email"],
        "iban": invoice.seller["iban"],
    }


def receipt_context(invoice: Invoice, payment: Payment, *, name: str | None) -> dict[str, Any]:
    """What a receipt says."""
    return mail_context(invoice, name=name) | {
        "paid": shown(payment.amount, invoice.currency),
        "received_on": day(payment.received_on),
        "is_paid": invoice.paid == invoice.gross,
    }


def overdue_title(invoice: Invoice, *, days: int) -> str:
    """What an admin is told first."""
    since = "a day" if days == 1 else f"{days} days"
    return f"Invoice {invoice.number} is overdue for {since}"


def overdue_body(invoice: Invoice, *, days: int) -> str:
    """What an admin is told in full."""
    due = shown(invoice.gross - invoice.paid, invoice.currency)
    return (
        f"{invoice.buyer['name']} has not paid {due} of invoice {invoice.number}, which was due on "
        f"{day(invoice.due_on)}, {days} day{'s' if days > 1 else ''} ago. They were reminded by mail."
    )

"""What the API of invoices takes and answers. Amounts are strings: a JSON number would be a float."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from app.domains.billing import fields
from app.domains.billing.charging.hours import Kind as LineKind
from app.domains.billing.charging.taxes import TaxCategory
from app.domains.billing.invoices.listing import Whole
from app.domains.billing.invoices.models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
    Payment,
)
from app.values.money import to_decimal, to_minor
from app.values.row_views import RowView
from app.values.strict_models import StrictModel
from app.values.text_fields import ONE_LINE


def _shown(minor: int | Decimal, currency: str) -> str:
    return f"{to_decimal(minor, currency):f}"


class Queued(BaseModel):
    """Work that a worker will do; `status_url` tells how far it is."""

    task_id: str
    status: str = "queued"
    status_url: str


class NewPayment(StrictModel):
    """Money that came; the same `key`, such as the bank's reference, is the same payment."""

    key: Annotated[str, Field(min_length=1, max_length=200), ONE_LINE]
    amount: fields.Amount
    currency: fields.Currency
    received_on: fields.Day | None = Field(default=None, description="If left out, today.")

    @property
    def minor(self) -> int:
        """The amount in minor units. Raises `FractionOfMinorUnit`, and `AmountTooLarge`."""
        return to_minor(Decimal(self.amount), self.currency)


class Settlement(StrictModel):
    """That all that is due came."""

    received_on: fields.Day | None = Field(default=None, description="If left out, today.")


class PaymentView(RowView):
    """Money that came for an invoice."""

    id: int
    key: str
    amount: str
    currency: str
    received_on: date
    created_at: datetime

    @classmethod
    def of(cls, payment: Payment, *, currency: str) -> Self:
        """As the API shows it."""
        shown = {"amount": _shown(payment.amount, currency), "currency": currency}
        return cls(**{name: getattr(payment, name, None) for name in cls.model_fields} | shown)


class InvoiceView(RowView):
    """An invoice or a credit note; the amounts of a credit note are below zero."""

    id: int
    tenant_id: int
    client_id: int
    project_id: int | None
    kind: InvoiceKind
    credits_id: int | None
    state: InvoiceState
    period: str
    number: str
    currency: str
    net: str
    tax: str
    gross: str
    paid: str
    due: str
    issued_on: date
    due_on: date
    created_at: datetime
    sent_at: datetime | None

    @classmethod
    def of(cls, invoice: Invoice) -> Self:
        """As the API shows it."""
        return cls(**_facts(invoice))


class LineView(BaseModel):
    """A line, with the rule by which it was charged as it was then."""

    kind: LineKind
    seconds: int
    rate: str | None
    net: str
    tax_category: TaxCategory
    tax_percent: str
    tax_reason: str | None
    rule: dict[str, Any]

    @classmethod
    def of(cls, line: InvoiceLine, *, currency: str) -> Self:
        """As the API shows it."""
        return cls(
            kind=LineKind(line.kind),
            seconds=line.seconds,
            rate=None if line.rate is None else _shown(Decimal(line.rate), currency),
            net=_shown(line.net, currency),
            tax_category=TaxCategory(line.tax_category),
            tax_percent=f"{line.tax_percent.normalize():f}",
            tax_reason=line.tax_reason,
            rule=line.rule,
        )


class TaxView(BaseModel):
    """The tax of one category and rate."""

    category: TaxCategory
    percent: str
    reason: str | None
    net: str
    tax: str

    @classmethod
    def of(cls, total: InvoiceTax, *, currency: str) -> Self:
        """As the API shows it."""
        return cls(
            category=TaxCategory(total.category),
            percent=f"{total.percent.normalize():f}",
            reason=total.reason,
            net=_shown(total.net, currency),
            tax=_shown(total.tax, currency),
        )


class WholeInvoice(InvoiceView):
    """An invoice with all that is below it."""

    seller: dict[str, Any]
    buyer: dict[str, Any]
    lines: list[LineView]
    taxes: list[TaxView]
    payments: list[PaymentView]

    @classmethod
    def whole(cls, found: Whole) -> Self:
        """As the API shows it."""
        invoice, currency = found.invoice, found.invoice.currency
        return cls(
            **_facts(invoice),
            seller=invoice.seller,
            buyer=invoice.buyer,
            lines=[LineView.of(line, currency=currency) for line in found.lines],
            taxes=[TaxView.of(total, currency=currency) for total in found.taxes],
            payments=[PaymentView.of(payment, currency=currency) for payment in found.payments],
        )


class InvoicePage(BaseModel):
    """Some invoices, the last made first; `next` is the cursor of the page after, null on the last."""

    invoices: list[InvoiceView]
    next: int | None


def _facts(invoice: Invoice) -> dict[str, Any]:
    amounts = {name: getattr(invoice, name) for name in ("net", "tax", "gross", "paid")}
    amounts["due"] = invoice.gross - invoice.paid if invoice.kind == InvoiceKind.INVOICE else 0
    shown = {name: _shown(minor, invoice.currency) for name, minor in amounts.items()}
    return {name: getattr(invoice, name, None) for name in InvoiceView.model_fields} | shown

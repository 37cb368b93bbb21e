"""What the API shows of invoices of sales. Amounts are strings: a JSON number would be a float."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel

from app.domains.billing.invoices.models import InvoiceKind
from app.domains.billing.sales.models import SaleInvoice
from app.values.money import to_decimal


class SaleInvoiceView(BaseModel):
    """An invoice or a credit note; the amounts of a credit note are below zero."""

    id: int
    tenant_id: int
    kind: InvoiceKind
    number: str
    reference: str
    currency: str
    net: str
    tax: str
    gross: str
    issued_on: date
    supplied_on: date
    created_at: datetime
    sha256: str

    @classmethod
    def of(cls, invoice: SaleInvoice) -> Self:
        """As the API shows it."""
        told = {name: getattr(invoice, name) for name in cls.model_fields}
        shown = {name: f"{to_decimal(told[name], invoice.currency):f}" for name in ("net", "tax", "gross")}
        return cls(**told | shown)


class SaleInvoicePage(BaseModel):
    """Some of them, the last made first; `next` is the cursor of the page after, null on the last."""

    invoices: list[SaleInvoiceView]
    next: int | None

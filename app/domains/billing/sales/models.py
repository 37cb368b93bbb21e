"""The table of invoices of sales. Amounts are whole minor units of the currency of their invoice."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of
from app.domains.billing.invoices.models import InvoiceKind


class SaleInvoice(Base):
    """An invoice of a sale, or the credit note of one. It has its PDF from the start, and never changes."""

    __tablename__ = "sale_invoice"
    __table_args__ = (
        one_of(InvoiceKind, column="kind"),
        UniqueConstraint("key", "kind"),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "year", "sequence"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    #: Who bought.
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"), index=True)
    #: The seller's name for the sale, such as order:17.
    key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    #: What the number was made of; 0 where it goes on over the years.
    year: Mapped[int]
    sequence: Mapped[int]
    #: What the buyer calls the sale.
    reference: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    net: Mapped[int] = mapped_column(BigInteger)
    tax: Mapped[int] = mapped_column(BigInteger)
    gross: Mapped[int] = mapped_column(BigInteger)
    issued_on: Mapped[date]
    supplied_on: Mapped[date]
    #: Who they were then.
    seller: Mapped[dict[str, Any]] = mapped_column(JSON)
    buyer: Mapped[dict[str, Any]] = mapped_column(JSON)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    #: Of the PDF, in hex.
    sha256: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)

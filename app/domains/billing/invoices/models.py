"""The tables of invoices. Amounts are whole minor units of the currency of their invoice."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, FixedPoint, one_of
from app.domains.billing.charging.bounds import PERCENT_PLACES
from app.domains.billing.charging.hours import Kind as LineKind
from app.domains.billing.charging.taxes import TaxCategory


class InvoiceKind(StrEnum):
    """What a document says."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class InvoiceState(StrEnum):
    """What became of an invoice. Once it is sent, nothing but this and what is paid changes."""

    DRAFT = "draft"
    SENT = "sent"
    PARTIAL = "partial"  # paid in part
    OVERDUE = "overdue"
    PAID = "paid"
    CREDITED = "credited"
    CANCELED = "canceled"  # a draft that was never sent; it keeps its number


_OPEN_KEY = text("kind = 'invoice' AND state NOT IN ('credited', 'canceled')")


class InvoiceCounter(Base):
    """The last number of a tenant; under its lock, numbers have no gaps."""

    __tablename__ = "invoice_counter"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    #: 0 where numbers go on over the years.
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class Invoice(Base):
    """An invoice or a credit note. Of a client's month there is one per project and currency.

    What rules of the whole client charge is on one without a project.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        one_of(InvoiceKind, column="kind"),
        one_of(InvoiceState, column="state"),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "year", "sequence"),
        Index(
            "uq_invoice_charged",
            "client_id",
            text("coalesce(project_id, 0)"),
            "currency",
            "period",
            unique=True,
            postgresql_where=_OPEN_KEY,
            sqlite_where=_OPEN_KEY,
        ),
        Index("ix_invoice_state", "state", "due_on"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"), index=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("project.id"))
    kind: Mapped[str] = mapped_column(Text)
    #: Of a credit note: what it takes back.
    credits_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), unique=True)
    state: Mapped[str] = mapped_column(Text)
    #: YYYY-MM, a month of the client's time zone.
    period: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text)
    #: What the number was made of; 0 where it goes on over the years.
    year: Mapped[int]
    sequence: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    net: Mapped[int] = mapped_column(BigInteger)
    tax: Mapped[int] = mapped_column(BigInteger)
    gross: Mapped[int] = mapped_column(BigInteger)
    paid: Mapped[int] = mapped_column(BigInteger)
    issued_on: Mapped[date]
    due_on: Mapped[date]
    #: Who they were then, with their addresses.
    seller: Mapped[dict[str, Any]] = mapped_column(JSON)
    buyer: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    #: Since when its mail is on its way: until that is refused, it is not made anew.
    mailing_since: Mapped[datetime | None]
    #: How many of its mails were refused; the next one has another name.
    refused_mails: Mapped[int]
    sent_at: Mapped[datetime | None]
    #: Fewest days before it is due that its client was reminded at.
    reminded_lead: Mapped[int | None]
    #: Most days after it was due that its client and the tenant were told at.
    overdue_told: Mapped[int]


class InvoiceLine(Base):
    """A line of an invoice, with the rule by which it was charged as it was then."""

    __tablename__ = "invoice_line"
    __table_args__ = (one_of(LineKind, column="kind"), one_of(TaxCategory, column="tax_category"))

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    rule_id: Mapped[int] = mapped_column(ForeignKey("billing_rule.id"))
    rule: Mapped[dict[str, Any]] = mapped_column(JSON)
    seconds: Mapped[int] = mapped_column(BigInteger)
    #: Of an hour, as a decimal of minor units; a fee has none.
    rate: Mapped[str | None] = mapped_column(Text)
    net: Mapped[int] = mapped_column(BigInteger)
    tax_category: Mapped[str] = mapped_column(Text)
    tax_percent: Mapped[Decimal] = mapped_column(FixedPoint(PERCENT_PLACES))
    tax_reason: Mapped[str | None] = mapped_column(Text)


class InvoiceTax(Base):
    """The tax of one category and rate on an invoice."""

    __tablename__ = "invoice_tax"
    __table_args__ = (one_of(TaxCategory, column="category"),)

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(Text)
    percent: Mapped[Decimal] = mapped_column(FixedPoint(PERCENT_PLACES))
    reason: Mapped[str | None] = mapped_column(Text)
    net: Mapped[int] = mapped_column(BigInteger)
    tax: Mapped[int] = mapped_column(BigInteger)


class LineEntry(Base):
    """How much of a time entry a line has."""

    __tablename__ = "invoice_line_entry"
    __table_args__ = (
        ForeignKeyConstraint(
            ("invoice_id", "position"), ("invoice_line.invoice_id", "invoice_line.position")
        ),
    )

    invoice_id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("time_entry.id"), primary_key=True, index=True)
    seconds: Mapped[int]


class UnusedHours(Base):
    """Hours that a retainer included and nobody worked, which are still good after a month."""

    __tablename__ = "unused_hours"

    rule_id: Mapped[int] = mapped_column(ForeignKey("billing_rule.id"), primary_key=True)
    #: The month after whose charges they were left over.
    after: Mapped[str] = mapped_column(Text, primary_key=True)
    #: The month whose fee included them.
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    seconds: Mapped[int] = mapped_column(BigInteger)


class InvoiceDocument(Base):
    """The PDF of an invoice. Of one that was sent it is what was sent."""

    __tablename__ = "invoice_document"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    layout: Mapped[str] = mapped_column(Text)
    #: In hex.
    sha256: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    rendered_at: Mapped[datetime]


class Payment(Base):
    """Money that came for an invoice."""

    __tablename__ = "invoice_payment"
    __table_args__ = (UniqueConstraint("invoice_id", "key"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    #: Names the payment, such as the bank's reference: the same key is the same payment.
    key: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    received_on: Mapped[date]
    created_at: Mapped[datetime]

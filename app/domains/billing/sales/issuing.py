"""Invoices of sales: each is made once, with its number and its PDF in one transaction. Nothing here commits.

Whoever calls this holds the lock of what was sold. A number is taken under the lock of its tenant's counter,
which lasts until the transaction ends: what dies before gives the number back.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.domains.accounts.service import person
from app.domains.billing.invoices.generating.numbering import take_numbers
from app.domains.billing.invoices.generating.standing import seller_of
from app.domains.billing.invoices.models import InvoiceKind
from app.domains.billing.sales.facts import SoldLine
from app.domains.billing.sales.models import SaleInvoice
from app.domains.billing.sales.printing import pdf_of
from app.domains.billing.tenants import tenant
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.billing.models import Tenant
    from app.domains.billing.sales.facts import Sale


def issue(session: Session, sale: Sale, *, now: datetime) -> SaleInvoice:
    """The invoice of a sale, made once.

    Raises `TenantNotFound`, `NumberTaken`, and one of `app.errors.InvalidInput` for what cannot be printed.
    """
    known = _found(session, key=sale.key, kind=InvoiceKind.INVOICE)
    if known is not None:
        return known
    seller, buyer = tenant(session, tenant_id=sale.tenant_id), person(session, user_id=sale.user_id)
    return _make(
        session,
        seller,
        kind=InvoiceKind.INVOICE,
        lines=sale.lines,
        now=now,
        facts={
            "key": sale.key,
            "user_id": sale.user_id,
            "reference": sale.reference,
            "currency": sale.currency,
            "supplied_on": local_time(sale.sold_at, timezone=seller.timezone).date(),
            "seller": seller_of(seller),
            "buyer": {"name": buyer.name, "email": buyer.email},
        },
    )


def credit(session: Session, *, key: str, now: datetime) -> SaleInvoice | None:
    """The credit note of a sale's invoice, made once; None of a sale without one. Raises as `issue`."""
    invoice = _found(session, key=key, kind=InvoiceKind.INVOICE)
    known = _found(session, key=key, kind=InvoiceKind.CREDIT_NOTE)
    if invoice is None or known is not None:
        return known
    same = ("key", "user_id", "reference", "currency", "supplied_on", "seller", "buyer")
    return _make(
        session,
        tenant(session, tenant_id=invoice.tenant_id),
        kind=InvoiceKind.CREDIT_NOTE,
        lines=tuple(SoldLine.stored(row, sign=-1) for row in invoice.lines),
        credited=invoice,
        now=now,
        facts={name: getattr(invoice, name) for name in same},
    )


def issued(session: Session, *, key: str) -> Sequence[SaleInvoice]:
    """The invoice of a sale, and its credit note, in this order, as far as they were made."""
    rows = select(SaleInvoice).where(SaleInvoice.key == key).order_by(SaleInvoice.id)
    return session.scalars(rows).all()


def _make(
    session: Session,
    seller: Tenant,
    *,
    kind: InvoiceKind,
    lines: tuple[SoldLine, ...],
    credited: SaleInvoice | None = None,
    now: datetime,
    facts: dict[str, Any],
) -> SaleInvoice:
    today = local_time(now, timezone=seller.timezone).date()
    (number,) = take_numbers(session, seller, day=today, count=1)
    made = SaleInvoice(
        **facts,
        tenant_id=seller.id,
        kind=kind,
        number=number.text,
        year=number.year,
        sequence=number.sequence,
        issued_on=today,
        lines=[line.row for line in lines],
        created_at=now,
    )
    made.content = pdf_of(made, lines, credited=credited)
    made.sha256 = hashlib.sha256(made.content).hexdigest()
    session.add(made)
    session.flush()
    return made


def _found(session: Session, *, key: str, kind: InvoiceKind) -> SaleInvoice | None:
    return session.scalar(select(SaleInvoice).where(SaleInvoice.key == key, SaleInvoice.kind == kind))

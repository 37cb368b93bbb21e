"""Looks invoices of sales up for those who sell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.pages import cut
from app.domains.billing.sales.errors import SaleInvoiceNotFound
from app.domains.billing.sales.models import SaleInvoice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.db.pages import Page


def page(session: Session, *, tenant_id: int, before: int | None, limit: int) -> Page:
    """Those of a tenant, the last made first."""
    rows = select(SaleInvoice).where(SaleInvoice.tenant_id == tenant_id).order_by(SaleInvoice.id.desc())
    return cut(session, rows if before is None else rows.where(SaleInvoice.id < before), limit=limit)


def sale_invoice(session: Session, *, sale_invoice_id: int) -> SaleInvoice:
    """One of them. Raises `SaleInvoiceNotFound`."""
    found = session.get(SaleInvoice, sale_invoice_id)
    if found is None:
        raise SaleInvoiceNotFound(sale_invoice_id=sale_invoice_id)
    return found

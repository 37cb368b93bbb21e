"""Finds invoices, and locks them for whoever changes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domains.billing.invoices.errors import InvoiceNotFound
from app.domains.billing.invoices.models import Invoice
from app.domains.billing.models import Client

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: How rows are locked: what refers to them is inserted meanwhile.
KEEPING = {"key_share": True}


def invoice_of(session: Session, *, invoice_id: int) -> Invoice:
    """The invoice. Raises `InvoiceNotFound`."""
    found = session.get(Invoice, invoice_id, populate_existing=True)
    if found is None:
        raise InvoiceNotFound(invoice_id=invoice_id)
    return found


def locked(session: Session, *, invoice_id: int) -> Invoice:
    """The invoice, locked with its client: in this order, as those do who make invoices."""
    found = invoice_of(session, invoice_id=invoice_id)
    session.get(Client, found.client_id, with_for_update=KEEPING, populate_existing=True)
    return session.get_one(Invoice, invoice_id, with_for_update=KEEPING, populate_existing=True)

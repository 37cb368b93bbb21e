"""The PDF of an invoice as somebody may download it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from app.domains.billing.invoices.models import InvoiceDocument, InvoiceState
from app.domains.billing.invoices.sending.printing import pdf_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.domains.billing.invoices.models import Invoice


class Printed(NamedTuple):
    """A PDF, and what it is told from others by."""

    content: bytes
    sha256: str


def pdf_now(session: Session, invoice: Invoice) -> Printed:
    """What was sent or is being sent; of what is not, what it says now, marked as a draft.

    Raises one of `app.errors.InvalidInput` for what cannot be printed.
    """
    is_idle = invoice.state == InvoiceState.DRAFT and invoice.mailing_since is None
    if not is_idle and (stored := session.get(InvoiceDocument, invoice.id)) is not None:
        return Printed(stored.content, stored.sha256)
    content = pdf_of(session, invoice)
    return Printed(content, hashlib.sha256(content).hexdigest())

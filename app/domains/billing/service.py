"""What billing does for other domains: invoices and credit notes of what they sell. Nothing here commits."""

from __future__ import annotations

from app.domains.billing.invoices.models import InvoiceKind
from app.domains.billing.invoices.sending.mailing import file_name
from app.domains.billing.sales.issuing import credit, issue, issued
from app.domains.billing.sales.models import SaleInvoice

__all__ = ["InvoiceKind", "SaleInvoice", "credit", "file_name", "issue", "issued"]

"""Whose invoices are: the admins of their tenant see and change them."""

from __future__ import annotations

from app.domains.billing.invoices.errors import InvoiceNotFound
from app.domains.billing.invoices.models import Invoice
from app.domains.billing.models import Client
from app.domains.billing.owners import AT_CLIENTS, AT_TENANT

_, INVOICE_OF_ADMINS = AT_TENANT.owners(
    "invoice_id",
    lambda id_: AT_CLIENTS.join(Invoice, Invoice.client_id == Client.id).where(Invoice.id == id_),
    InvoiceNotFound,
)

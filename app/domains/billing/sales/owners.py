"""Whose invoices of sales are: the admins of the tenant that sells see them."""

from __future__ import annotations

from sqlalchemy import select

from app.domains.billing.models import TenantMember
from app.domains.billing.owners import AT_TENANT
from app.domains.billing.sales.errors import SaleInvoiceNotFound
from app.domains.billing.sales.models import SaleInvoice

_AT_SELLERS = select(TenantMember.role).join(SaleInvoice, SaleInvoice.tenant_id == TenantMember.tenant_id)

_, SALE_OF_ADMINS = AT_TENANT.owners(
    "sale_invoice_id", lambda id_: _AT_SELLERS.where(SaleInvoice.id == id_), SaleInvoiceNotFound
)

"""Looks invoices up for those who may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.pages import cut
from app.domains.billing.invoices.errors import WhichTenant
from app.domains.billing.invoices.models import Invoice, InvoiceLine, InvoiceTax
from app.domains.billing.invoices.payments import payments_of
from app.domains.billing.models import Role, TenantMember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.db.pages import Page
    from app.domains.billing.invoices.models import Payment


@dataclass(frozen=True, kw_only=True)
class Whole:
    """An invoice with all that is below it."""

    invoice: Invoice
    lines: Sequence[InvoiceLine]
    taxes: Sequence[InvoiceTax]
    payments: Sequence[Payment]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which invoices somebody looks for; None is any. For `only_user`, of tenants whose admin they are."""

    only_user: int | None = None
    tenant_id: int | None = None
    client_id: int | None = None
    state: str | None = None


def page(session: Session, wanted: Wanted, *, before: int | None = None, limit: int) -> Page:
    """Invoices and credit notes, the last made first."""
    rows = select(Invoice).order_by(Invoice.id.desc())
    if wanted.only_user is not None:
        rows = rows.where(Invoice.tenant_id.in_(_run_by(wanted.only_user)))
    for column, value in (
        (Invoice.tenant_id, wanted.tenant_id),
        (Invoice.client_id, wanted.client_id),
        (Invoice.state, wanted.state),
    ):
        if value is not None:
            rows = rows.where(column == value)
    if before is not None:
        rows = rows.where(Invoice.id < before)
    return cut(session, rows, limit=limit)


def whole(session: Session, invoice: Invoice) -> Whole:
    """All of an invoice."""
    lines = select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id)
    taxes = select(InvoiceTax).where(InvoiceTax.invoice_id == invoice.id)
    return Whole(
        invoice=invoice,
        lines=session.scalars(lines.order_by(InvoiceLine.position)).all(),
        taxes=session.scalars(taxes.order_by(InvoiceTax.position)).all(),
        payments=payments_of(session, invoice_id=invoice.id),
    )


def tenant_to_charge(session: Session, *, tenant_id: int | None, only_user: int | None) -> int | None:
    """Whose invoices somebody may have made: None for those of all. Raises `WhichTenant`."""
    if only_user is None:
        return tenant_id
    mine = sorted(session.scalars(_run_by(only_user)))
    if tenant_id is None and len(mine) == 1:
        return mine[0]
    if tenant_id not in mine:
        raise WhichTenant(tenant_ids=mine)
    return tenant_id


def _run_by(user_id: int) -> Select[int]:
    admins = (TenantMember.user_id == user_id) & (TenantMember.role == Role.ADMIN)
    return select(TenantMember.tenant_id).where(admins)

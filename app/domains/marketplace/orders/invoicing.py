"""Invoices of orders, which billing numbers and prints. Nothing here commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domains.billing import service as billing
from app.domains.billing.facts import Sale, SoldLine, Tax, TaxCategory
from app.domains.marketplace.orders.errors import InvoiceNotFound, NobodySells, WrongState
from app.domains.marketplace.orders.models import OrderState, sale_key
from app.domains.marketplace.orders.settling import lines_of, locked
from app.settings.config import settings
from app.values.money import shown

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.billing.service import InvoiceKind, SaleInvoice
    from app.domains.marketplace.orders.models import Order, OrderLine


def generate(session: Session, *, order_id: int, now: datetime) -> list[dict[str, Any]]:
    """Make the invoice of a paid order, and the credit note of one that was refunded; what there is then.

    An order that was refunded before it had an invoice gets neither. Raises `OrderNotFound`, `WrongState`,
    `NobodySells`, and what billing does.
    """
    order = locked(session, order_id=order_id)
    key = sale_key(order.id)
    if order.state == OrderState.REFUNDED:
        billing.credit(session, key=key, now=now)
    elif order.state == OrderState.PAID:
        _issue(session, order, now=now)
    else:
        raise WrongState(order, wanted="only one that was paid has an invoice")
    return [
        {"kind": one.kind, "number": one.number, "sha256": one.sha256}
        for one in billing.issued(session, key=key)
    ]


def invoice(session: Session, *, order_id: int, kind: InvoiceKind) -> SaleInvoice:
    """The invoice of an order, or its credit note. Raises `InvoiceNotFound`."""
    for one in billing.issued(session, key=sale_key(order_id)):
        if one.kind == kind:
            return one
    raise InvoiceNotFound(order_id=order_id, kind=kind)


def _issue(session: Session, order: Order, *, now: datetime) -> None:
    key, seller = sale_key(order.id), settings().marketplace_tenant_id
    if billing.issued(session, key=key):
        return
    if seller is None:
        raise NobodySells(order)
    sale = Sale(
        key=key,
        tenant_id=seller,
        user_id=order.user_id,
        reference=order.number,
        currency=order.currency,
        lines=tuple(_sold(line, order.currency) for line in lines_of(session, order_id=order.id)),
        sold_at=order.paid_at or order.created_at,
    )
    billing.issue(session, sale, now=now)


def _sold(line: OrderLine, currency: str) -> SoldLine:
    category = TaxCategory(line.tax_category)
    return SoldLine(
        description=f"{line.title}, {line.tier}",
        detail=f"{line.quantity} x {shown(line.amount, currency)}",
        net=line.net,
        tax=Tax(category=category, percent=line.tax_percent, reason=line.tax_reason),
    )

"""Looks orders up for those who may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.pages import cut
from app.domains.marketplace.orders.errors import OrderNotFound
from app.domains.marketplace.orders.models import Order, OrderPayment
from app.domains.marketplace.orders.settling import lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.db.pages import Page
    from app.domains.marketplace.orders.models import OrderLine


@dataclass(frozen=True, kw_only=True)
class Whole:
    """An order with all that is below it."""

    order: Order
    lines: Sequence[OrderLine]
    payments: Sequence[OrderPayment]


def order_of(session: Session, *, order_id: int) -> Order:
    """The order. Raises `OrderNotFound`."""
    found = session.get(Order, order_id)
    if found is None:
        raise OrderNotFound(order_id=order_id)
    return found


def whole(session: Session, order: Order) -> Whole:
    """All of an order."""
    payments = select(OrderPayment).where(OrderPayment.order_id == order.id).order_by(OrderPayment.id)
    return Whole(
        order=order,
        lines=lines_of(session, order_id=order.id),
        payments=session.scalars(payments).all(),
    )


def page(
    session: Session, *, only_user: int | None, state: str | None, before: int | None, limit: int
) -> Page:
    """Orders, the last placed first; of `only_user` where one is named."""
    rows = select(Order).order_by(Order.id.desc())
    if only_user is not None:
        rows = rows.where(Order.user_id == only_user)
    if state is not None:
        rows = rows.where(Order.state == state)
    if before is not None:
        rows = rows.where(Order.id < before)
    return cut(session, rows, limit=limit)

"""Confirms orders by mail, once each. Nothing here commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from app.domains.accounts.service import person
from app.domains.billing.facts import Tax, TaxCategory, totals_of
from app.domains.marketplace.orders.errors import WrongState
from app.domains.marketplace.orders.listing import order_of
from app.domains.marketplace.orders.models import OrderState
from app.domains.marketplace.orders.settling import lines_of
from app.outbound.mail.service import queue_mail
from app.values.money import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.domains.marketplace.orders.models import Order, OrderLine


class _Taxed(NamedTuple):
    net: int
    tax: Tax


def confirm(session: Session, *, order_id: int) -> int | None:
    """Have the confirmation of a paid order sent, once however often it is asked for; the delivery's id.

    There is none of an order that was refunded meanwhile. Raises `OrderNotFound` and `WrongState`.
    """
    order = order_of(session, order_id=order_id)
    if order.state == OrderState.REFUNDED:
        return None
    if order.state != OrderState.PAID:
        raise WrongState(order, wanted="only one that was paid is confirmed")
    buyer = person(session, user_id=order.user_id)
    return queue_mail(
        session,
        key=f"order-confirmation:{order.id}",
        to=[buyer.email],
        template="orders/confirmation",
        context={"name": buyer.name, **_context(order, lines_of(session, order_id=order.id))},
    )


def _context(order: Order, lines: Sequence[OrderLine]) -> dict[str, Any]:
    totals = totals_of([_taxed(line) for line in lines], currency=order.currency)
    return {
        "number": order.number,
        "lines": [
            {
                "what": f"{line.title}, {line.tier}",
                "quantity": line.quantity,
                "net": shown(line.net, order.currency),
            }
            for line in lines
        ],
        "taxes": [
            {
                "percent": f"{total.percent.normalize():f}",
                "amount": shown(total.tax, order.currency),
                "reason": total.reason,
            }
            for total in totals.taxes
        ],
        "net": shown(order.net, order.currency),
        "gross": shown(order.gross, order.currency),
    }


def _taxed(line: OrderLine) -> _Taxed:
    category = TaxCategory(line.tax_category)
    return _Taxed(line.net, Tax(category=category, percent=line.tax_percent, reason=line.tax_reason))

"""Takes what is paid for orders, and gives it back. Nothing here commits.

An order is locked before its state is looked at: of several that pay it at once, one does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from app.db.upsert import insert_or_update
from app.domains.billing import service as billing
from app.domains.marketplace.licences import issuing
from app.domains.marketplace.orders.errors import KeyOfAnotherPayment, OrderNotFound, WrongAmount, WrongState
from app.domains.marketplace.orders.models import (
    Order,
    OrderLine,
    OrderPayment,
    OrderState,
    Provider,
    sale_key,
)
from app.domains.marketplace.usage.recording import purchased
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.errors import Conflict

log = structlog.get_logger(__name__)

CONFIRM_TASK = "marketplace.send_order_confirmation"
INVOICE_TASK = "marketplace.generate_invoice_pdf"


class Taken(StrEnum):
    """What became of money that came by itself."""

    PAID = "paid"
    KNOWN = "known"  # it was taken before
    SURPLUS = "surplus"  # it paid nothing, and is to be given back by a person


@dataclass(frozen=True, kw_only=True)
class Money:
    """What came; `id` is the provider's name for it, and `amount` in minor units."""

    provider: Provider
    id: str
    amount: int
    currency: str


def record(session: Session, *, order_id: int, money: Money, now: datetime) -> Order:
    """Note that an order was paid, once per payment.

    Raises `OrderNotFound`, `WrongAmount`, `WrongState`, and `KeyOfAnotherPayment`.
    """
    order = locked(session, order_id=order_id)
    problem = None if _known(session, money) else _problem(order, money)
    if problem:
        raise problem
    _take(session, order, money, problem=None, now=now)
    return order


def take(session: Session, *, order_id: int, money: Money, now: datetime) -> Taken:
    """Take money that came, whether or not it is what the order costs: it is there, and never forgotten.

    Raises `OrderNotFound` and `KeyOfAnotherPayment`.
    """
    order = locked(session, order_id=order_id)
    problem = _problem(order, money)
    taken = _take(session, order, money, problem=problem, now=now)
    if taken is Taken.SURPLUS:
        log.warning("payment_is_surplus", order=order.number, payment=money.id, problem=str(problem))
    return taken


def settle(session: Session, order: Order, *, now: datetime) -> None:
    """Say that a locked or new order is paid: its licences are issued, its buyer is told, and invoiced."""
    order.state, order.paid_at = OrderState.PAID, now
    lines = lines_of(session, order_id=order.id)
    issuing.issue(session, order, lines, now=now)
    jobs = [new_job(CONFIRM_TASK, kwargs={"order_id": order.id}, key=f"order-confirmation:{order.id}")]
    if settings().marketplace_tenant_id is not None and order.gross:
        jobs.append(new_job(INVOICE_TASK, kwargs={"order_id": order.id}, key=f"order-invoice:{order.id}"))
    accept(session, jobs)
    # Last, for others who count the same models wait from then on.
    purchased(session, order, lines, now=now)


def cancel(session: Session, *, order_id: int, now: datetime) -> Order:
    """Take back an order that was not paid, once. Raises `OrderNotFound` and `WrongState`."""
    order = locked(session, order_id=order_id)
    if order.state == OrderState.CANCELLED:
        return order
    if order.state != OrderState.PENDING:
        raise WrongState(order, wanted="only one that was not paid is cancelled")
    order.state, order.ended_at = OrderState.CANCELLED, now
    return order


def refund(session: Session, *, order_id: int, now: datetime) -> Order:
    """Say that all that was paid went back, once: the licences are good no more, an invoice is credited.

    Raises `OrderNotFound` and `WrongState`.
    """
    order = locked(session, order_id=order_id)
    if order.state == OrderState.REFUNDED:
        return order
    if order.state != OrderState.PAID:
        raise WrongState(order, wanted="only one that was paid is refunded")
    order.state, order.ended_at = OrderState.REFUNDED, now
    issuing.revoke_all(session, order_id=order.id, now=now)
    # An invoice that is being made holds the lock of the order; one that is made later finds it refunded.
    if billing.issued(session, key=sale_key(order.id)):
        accept(
            session,
            [new_job(INVOICE_TASK, kwargs={"order_id": order.id}, key=f"order-credit-note:{order.id}")],
        )
    return order


def locked(session: Session, *, order_id: int) -> Order:
    """The order, locked. Raises `OrderNotFound`."""
    found = session.get(Order, order_id, with_for_update={"key_share": True}, populate_existing=True)
    if found is None:
        raise OrderNotFound(order_id=order_id)
    return found


def lines_of(session: Session, *, order_id: int) -> Sequence[OrderLine]:
    """The lines of an order, in their order."""
    rows = select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.position)
    return session.scalars(rows).all()


def _problem(order: Order, money: Money) -> Conflict | None:
    """Why money does not pay an order."""
    if order.state != OrderState.PENDING:
        return WrongState(order, wanted="only one that is pending is paid")
    if (money.amount, money.currency) != (order.gross, order.currency):
        return WrongAmount(order, amount=money.amount, currency=money.currency)
    return None


def _take(session: Session, order: Order, money: Money, *, problem: Conflict | None, now: datetime) -> Taken:
    statement = insert_or_update(session, OrderPayment).values(
        order_id=order.id,
        provider=money.provider,
        provider_id=money.id,
        amount=money.amount,
        currency=money.currency,
        received_at=now,
        problem=None if problem is None else str(problem),
    )
    once = statement.on_conflict_do_nothing(index_elements=[OrderPayment.provider, OrderPayment.provider_id])
    if session.scalar(once.returning(OrderPayment.id)) is None:
        known = _known(session, money)
        if known is None or (known.order_id, known.amount, known.currency) != (
            order.id,
            money.amount,
            money.currency,
        ):
            raise KeyOfAnotherPayment(provider_id=money.id)
        return Taken.KNOWN
    if problem is not None:
        return Taken.SURPLUS
    settle(session, order, now=now)
    return Taken.PAID


def _known(session: Session, money: Money) -> OrderPayment | None:
    same = (OrderPayment.provider == money.provider) & (OrderPayment.provider_id == money.id)
    return session.scalar(select(OrderPayment).where(same))

"""Does what Stripe's events call for, once each. Nothing here commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from app.db.pruning import kept_since, prune
from app.db.upsert import insert_or_update
from app.domains.marketplace.orders import settling
from app.domains.marketplace.orders.errors import KeyOfAnotherPayment, OrderNotFound, WrongState
from app.domains.marketplace.orders.models import OrderPayment, Provider, id_in
from app.domains.marketplace.orders.settling import Money
from app.domains.marketplace.stripe.events import Paid
from app.domains.marketplace.stripe.models import StripeEvent

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.marketplace.stripe.events import Event, Refunded

log = structlog.get_logger(__name__)

NOTHING = "nothing"
REFUNDED = "refunded"


def apply(session: Session, event: Event, *, now: datetime) -> str | None:
    """Do what an event calls for; the outcome, or None for one that was taken before."""
    statement = insert_or_update(session, StripeEvent).values(
        id=event.id, type=event.type, outcome=NOTHING, received_at=now
    )
    once = statement.on_conflict_do_nothing(index_elements=[StripeEvent.id]).returning(StripeEvent.id)
    if session.scalar(once) is None:
        return None
    if event.told is None:
        return NOTHING
    try:
        told = event.told
        outcome = _pay(session, told, now=now) if isinstance(told, Paid) else _refund(session, told, now=now)
    except (OrderNotFound, KeyOfAnotherPayment, WrongState) as error:
        # Sent again, it would be the same: a person has to look.
        log.warning("stripe_event_not_applied", event_id=event.id, type=event.type, problem=str(error))
        outcome = error.code
    session.get_one(StripeEvent, event.id).outcome = outcome
    return outcome


def forget(session: Session, *, commit: Checkpoint) -> int:
    """Delete events that Stripe sends no more; how many. Payments stay, and are known by Stripe's ids."""
    old = StripeEvent.received_at < kept_since(session)
    return prune(session, select(StripeEvent.id).where(old), commit=commit)


def _pay(session: Session, told: Paid, *, now: datetime) -> str:
    money = Money(provider=Provider.STRIPE, id=told.payment, amount=told.amount, currency=told.currency)
    return settling.take(session, order_id=id_in(told.order), money=money, now=now)


def _refund(session: Session, told: Refunded, *, now: datetime) -> str:
    paid = (OrderPayment.provider == Provider.STRIPE) & (OrderPayment.provider_id == told.payment)
    payment = session.scalar(select(OrderPayment).where(paid))
    if payment is None or payment.problem is not None:
        # It paid no order of ours.
        return NOTHING
    settling.refund(session, order_id=payment.order_id, now=now)
    return REFUNDED

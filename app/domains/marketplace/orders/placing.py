"""Places orders: what is bought is put down as it costs now. Nothing here commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from app.db.upsert import insert_or_update
from app.domains.accounts.service import person
from app.domains.billing.facts import totals_of
from app.domains.marketplace.catalog.models import ModelState, PricingTier, SoftwareModel
from app.domains.marketplace.catalog.service import tax_of
from app.domains.marketplace.orders.errors import (
    KeyOfAnotherOrder,
    MixedCurrencies,
    NotForSale,
    OrderedTwice,
    TooManyLicences,
    WhoBuys,
)
from app.domains.marketplace.orders.models import Order, OrderLine, OrderState
from app.domains.marketplace.orders.settling import settle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.billing.facts import Tax, Totals

MAX_LICENCES = 100


class Wanted(NamedTuple):
    """So many licences at a price."""

    tier_id: int
    quantity: int


@dataclass(frozen=True, kw_only=True)
class Priced:
    """What is wanted, with what it costs."""

    model: SoftwareModel
    tier: PricingTier
    quantity: int

    @property
    def net(self) -> int:
        """Without tax."""
        return self.tier.amount * self.quantity

    @property
    def tax(self) -> Tax:
        """The tax on it."""
        return tax_of(self.tier)


def buyer(user_id: int | None, *, only_user: int | None) -> int:
    """Who buys. Raises `WhoBuys` where nobody is named, or another than the only one it may be."""
    if user_id is None or only_user not in (None, user_id):
        raise WhoBuys(user_id=user_id)
    return user_id


def place(session: Session, *, user_id: int, key: str, wanted: Sequence[Wanted], now: datetime) -> Order:
    """Order, once per user and `key`; what costs nothing is paid at once.

    Raises `UserNotFound`, `OrderedTwice`, `TooManyLicences`, `NotForSale`, `MixedCurrencies`,
    `AmountTooLarge` and `KeyOfAnotherOrder`.
    """
    person(session, user_id=user_id)
    _refuse_unreasonable(wanted)
    known = _known(session, user_id=user_id, key=key)
    if known is not None:
        return _same(session, known, wanted)
    priced = _priced(session, wanted)
    [currency] = _currencies(priced)
    totals = totals_of(priced, currency=currency)
    order_id = _insert(session, user_id=user_id, key=key, currency=currency, totals=totals, now=now)
    if order_id is None:
        # Another request has placed it meanwhile.
        return place(session, user_id=user_id, key=key, wanted=wanted, now=now)
    session.add_all(_line(order_id, position, one) for position, one in enumerate(priced, start=1))
    session.flush()
    order = session.get_one(Order, order_id)
    if not order.gross:
        settle(session, order, now=now)
    return order


def _refuse_unreasonable(wanted: Sequence[Wanted]) -> None:
    if len({one.tier_id for one in wanted}) < len(wanted):
        raise OrderedTwice
    licences = sum(one.quantity for one in wanted)
    if licences > MAX_LICENCES:
        raise TooManyLicences(found=licences, most=MAX_LICENCES)


def _priced(session: Session, wanted: Sequence[Wanted]) -> list[Priced]:
    on_sale = (
        select(PricingTier, SoftwareModel)
        .join(SoftwareModel, SoftwareModel.id == PricingTier.model_id)
        .where(
            PricingTier.id.in_([one.tier_id for one in wanted]),
            PricingTier.ended_at.is_(None),
            SoftwareModel.state == ModelState.PUBLISHED,
        )
    )
    found: Mapping[int, tuple[PricingTier, SoftwareModel]] = {
        tier.id: (tier, model) for tier, model in session.execute(on_sale)
    }
    missing = {one.tier_id for one in wanted} - found.keys()
    if missing:
        raise NotForSale(tier_ids=missing)
    return [
        Priced(model=found[tier_id][1], tier=found[tier_id][0], quantity=quantity)
        for tier_id, quantity in wanted
    ]


def _currencies(priced: Sequence[Priced]) -> set[str]:
    found = {one.tier.currency for one in priced}
    if len(found) > 1:
        raise MixedCurrencies(currencies=found)
    return found


def _insert(
    session: Session, *, user_id: int, key: str, currency: str, totals: Totals, now: datetime
) -> int | None:
    statement = insert_or_update(session, Order).values(
        user_id=user_id,
        key=key,
        state=OrderState.PENDING,
        currency=currency,
        net=totals.net,
        tax=totals.tax,
        gross=totals.gross,
        created_at=now,
    )
    once = statement.on_conflict_do_nothing(index_elements=[Order.user_id, Order.key])
    id_: int | None = session.scalar(once.returning(Order.id))
    return id_


def _line(order_id: int, position: int, one: Priced) -> OrderLine:
    return OrderLine(
        order_id=order_id,
        position=position,
        model_id=one.model.id,
        tier_id=one.tier.id,
        title=one.model.title,
        tier=one.tier.name,
        period=one.tier.period,
        max_activations=one.tier.max_activations,
        quantity=one.quantity,
        amount=one.tier.amount,
        net=one.net,
        tax_category=one.tier.tax_category,
        tax_percent=one.tier.tax_percent,
        tax_reason=one.tier.tax_reason,
    )


def _known(session: Session, *, user_id: int, key: str) -> Order | None:
    return session.scalar(select(Order).where(Order.user_id == user_id, Order.key == key))


def _same(session: Session, order: Order, wanted: Sequence[Wanted]) -> Order:
    lines = select(OrderLine.tier_id, OrderLine.quantity).where(OrderLine.order_id == order.id)
    if {tuple(row) for row in session.execute(lines)} != set(wanted):
        raise KeyOfAnotherOrder(order)
    return order

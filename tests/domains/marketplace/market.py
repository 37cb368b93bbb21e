"""A model that is sold at some prices, and those who buy it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.domains.billing.facts import Tax, TaxCategory
from app.domains.marketplace.catalog import files
from app.domains.marketplace.catalog import service as catalog
from app.domains.marketplace.catalog.service import NewTier
from app.domains.marketplace.licences.models import Licence
from app.domains.marketplace.orders import placing, settling
from app.domains.marketplace.orders.models import Order, OrderPayment, Provider
from app.domains.marketplace.orders.placing import Wanted
from app.domains.marketplace.orders.settling import Money
from app.storage.files import Stored

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS = itertools.count(1)
NOW = datetime(2026, 1, 31, 11, tzinfo=UTC)
FACTS = {
    "title": "Sentinel",
    "description": "Finds fraud.",
    "kind": "classification",
    "framework": "PyTorch",
    "licence_type": "commercial",
}
VAT = Tax(percent=Decimal(19))
EXEMPT = Tax(category=TaxCategory.EXEMPT, percent=Decimal(0), reason="Small business")


def add_model(*, is_published: bool = True, **facts: str) -> int:
    """A model with a version, and a price of 100.00 EUR for good; its id."""
    with transaction() as session:
        model = catalog.create_model(session, slug=f"model-{next(_NUMBERS)}", facts=FACTS | facts, now=NOW)
        version = catalog.add_version(session, model_id=model.id, version="1.0.0", notes="", now=NOW)
        file = Stored(key=f"models/{model.id}", size=4, sha256=sha256(b"file").hexdigest())
        files.attach(session, model_id=model.id, version_id=version.id, stored=file)
        catalog.publish_version(session, model_id=model.id, version_id=version.id, now=NOW)
        _tier(session, model.id)
        if is_published:
            catalog.publish(session, model_id=model.id, now=NOW)
        return model.id


def add_tier(model_id: int, **changed: Any) -> int:
    """Another price of a model; its id."""
    with transaction() as session:
        return _tier(session, model_id, **changed)


def _tier(session: Any, model_id: int, **changed: Any) -> int:
    usual: dict[str, Any] = {
        "name": f"Tier {next(_NUMBERS)}",
        "amount": 100_00,
        "currency": "EUR",
        "period": "once",
        "tax": VAT,
        "max_activations": 2,
    }
    return catalog.add_tier(session, model_id=model_id, new=NewTier(**usual | changed), now=NOW).id


def tier_of(model_id: int) -> int:
    """The first price of a model."""
    with reading() as session:
        return catalog.tiers_of(session, model_id=model_id)[0].id


def place(user_id: int, *tier_ids: int, key: str | None = None, quantity: int = 1) -> Order:
    """An order of so many licences at each price."""
    wanted = [Wanted(tier_id, quantity) for tier_id in tier_ids]
    with transaction() as session:
        name = key or f"order-{next(_NUMBERS)}"
        return placing.place(session, user_id=user_id, key=name, wanted=wanted, now=NOW)


def money(order: Order, *, key: str = "bank-1", **changed: Any) -> Money:
    """What an order costs."""
    usual: dict[str, Any] = {
        "provider": Provider.RECORDED,
        "amount": order.gross,
        "currency": order.currency,
    }
    return Money(id=key, **usual | changed)


def pay(order: Order, *, key: str = "bank-1", now: datetime = NOW, **changed: Any) -> Order:
    """Note that an order was paid."""
    with transaction() as session:
        return settling.record(session, order_id=order.id, money=money(order, key=key, **changed), now=now)


def order(order_id: int) -> Order:
    with reading() as session:
        return session.get_one(Order, order_id)


def licences() -> Sequence[Licence]:
    with reading() as session:
        return session.scalars(select(Licence).order_by(Licence.id)).all()


def payments() -> Sequence[OrderPayment]:
    with reading() as session:
        return session.scalars(select(OrderPayment).order_by(OrderPayment.id)).all()

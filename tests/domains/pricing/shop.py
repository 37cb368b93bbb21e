"""Puts products and batches on the shelf, and tells what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.domains.pricing import sweep
from app.domains.pricing.models import BatchDiscount, InventoryBatch, Product
from app.domains.pricing.rules.file import PACKAGED, load_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domains.pricing.facts import Stats

RULES = load_rules(PACKAGED)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class OnShelf:
    """A batch that was put on the shelf."""

    id: int
    product_id: int


def put(
    *,
    code: str = "B1",
    days: int = 3,
    quantity: int = 10,
    price: str = "10.00",
    category: str = "toys",
    sku: str | None = None,
) -> OnShelf:
    """A batch of a product of its own that expires in `days` days."""
    facts = {"name": "Thing", "category": category, "currency": "EUR", "updated_at": now()}
    product = Product(sku=sku or f"SKU-{code}", base_price=Decimal(price), **facts)
    with transaction() as session:
        session.add(product)
        session.flush()
        batch = _batch(code, product_id=product.id, days=days, quantity=quantity)
        session.add(batch)
        session.flush()
        return OnShelf(id=batch.id, product_id=product.id)


def _batch(code: str, *, product_id: int, days: int, quantity: int = 10) -> InventoryBatch:
    return InventoryBatch(
        code=code,
        product_id=product_id,
        quantity=quantity,
        expiry_date=now().date() + timedelta(days=days),
        updated_at=now(),
    )


def put_many(count: int) -> None:
    """As many batches of one product, expiring over the coming weeks, each discounted by some rule."""
    first = put(code="M0")
    with transaction() as session:
        session.add_all(
            _batch(f"M{number}", product_id=first.product_id, days=number % 14) for number in range(1, count)
        )


def recompute(*, days: int = 30, chunk_size: int = 100) -> Stats:
    """Recompute as a request does: one transaction per chunk."""
    return sweep.recompute(
        transaction=transaction,
        rules=RULES,
        days_threshold=days,
        chunk_size=chunk_size,
        report=lambda _progress: None,
    )


def discounts(batch: OnShelf) -> Sequence[BatchDiscount]:
    """All discounts of a batch, the oldest first."""
    with reading() as session:
        statement = select(BatchDiscount).where(BatchDiscount.batch_id == batch.id).order_by(BatchDiscount.id)
        return session.scalars(statement).all()


def active(batch: OnShelf) -> BatchDiscount | None:
    """The discount that holds now."""
    found = [discount for discount in discounts(batch) if discount.valid_to is None]
    assert len(found) <= 1
    return found[0] if found else None


def change(
    batch: OnShelf, *, price: str | None = None, days: int | None = None, quantity: int | None = None
) -> None:
    """Change facts behind a price, as a write from elsewhere would."""
    with transaction() as session:
        stored = session.get_one(InventoryBatch, batch.id)
        if days is not None:
            stored.expiry_date = now().date() + timedelta(days=days)
        if quantity is not None:
            stored.quantity = quantity
        if price is not None:
            session.get_one(Product, batch.product_id).base_price = Decimal(price)

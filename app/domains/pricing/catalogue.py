"""Reads products, batches and prices, in pages that stay right while rows are added."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, case, select

from app.db.pages import page_of
from app.domains.pricing.errors import ProductNotFound
from app.domains.pricing.history import effective_price, on_offer, sellable
from app.domains.pricing.models import BatchDiscount, InventoryBatch, PriceHistory, Product
from app.domains.pricing.repricing import IS_ACTIVE

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import InstrumentedAttribute, Session

    from app.db.pages import Page


def product(*, session: Session, sku: str) -> Product:
    """The product with that SKU. Raises `ProductNotFound`."""
    found = session.scalar(select(Product).where(Product.sku == unicodedata.normalize("NFC", sku)))
    if found is None:
        raise ProductNotFound(sku=sku)
    return found


def products(*, session: Session, category: str | None, after: int | None, limit: int) -> Page:
    """Products in the order in which they came."""
    rows = select(*Product.__table__.columns)
    if category is not None:
        rows = rows.where(Product.category == category)
    return _page(session, rows, key=Product.id, after=after, limit=limit)


def prices(*, session: Session, sku: str | None, now: datetime, after: int | None, limit: int) -> Page:
    """What each batch that can be sold costs now."""
    rows = _with_prices(now).where(sellable(now))
    if sku is not None:
        rows = rows.where(Product.id == product(session=session, sku=sku).id)
    return _page(session, rows, key=InventoryBatch.id, after=after, limit=limit)


def batches_of(*, session: Session, sku: str, now: datetime, after: int | None, limit: int) -> Page:
    """All batches of a product, those included that cannot be sold any more."""
    rows = _with_prices(now).where(Product.id == product(session=session, sku=sku).id)
    return _page(session, rows, key=InventoryBatch.id, after=after, limit=limit)


def price_history(*, session: Session, sku: str, before: int | None, limit: int) -> Page:
    """The recorded prices of a product and of its batches, the newest first."""
    rows = (
        select(
            PriceHistory.id,
            InventoryBatch.code.label("batch"),
            PriceHistory.price,
            PriceHistory.reason,
            PriceHistory.recorded_at,
        )
        .outerjoin(InventoryBatch, InventoryBatch.id == PriceHistory.batch_id)
        .where(PriceHistory.product_id == product(session=session, sku=sku).id)
        .order_by(PriceHistory.id.desc())
    )
    if before is not None:
        rows = rows.where(PriceHistory.id < before)
    return _cut(session, rows, limit=limit)


def _with_prices(now: datetime) -> Select[*tuple[Any, ...]]:
    offered = on_offer(now)
    return (
        select(
            InventoryBatch.id,
            Product.sku,
            Product.name,
            Product.category,
            InventoryBatch.code.label("batch"),
            InventoryBatch.quantity,
            InventoryBatch.expiry_date,
            InventoryBatch.received_on,
            Product.currency,
            Product.base_price,
            effective_price(now).label("price"),
            case((offered, BatchDiscount.discount_pct)).label("discount_pct"),
            case((offered, BatchDiscount.rule)).label("rule"),
        )
        .join(Product, Product.id == InventoryBatch.product_id)
        .outerjoin(BatchDiscount, and_(BatchDiscount.batch_id == InventoryBatch.id, IS_ACTIVE))
    )


def _page(
    session: Session,
    rows: Select[*tuple[Any, ...]],
    *,
    key: InstrumentedAttribute[int],
    after: int | None,
    limit: int,
) -> Page:
    return _cut(session, rows.where(key > (after or 0)).order_by(key), limit=limit)


def _cut(session: Session, rows: Select[*tuple[Any, ...]], *, limit: int) -> Page:
    return page_of(session.execute(rows.limit(limit + 1)).all(), limit=limit)

"""Records prices when they change, the return to the base price included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, case, func, insert, literal, or_, select

from app.domains.pricing.facts import RecordedChunk
from app.domains.pricing.models import BatchDiscount, InventoryBatch, PriceHistory, Product
from app.domains.pricing.repricing import active_discount_of, row_count
from app.domains.pricing.service import plan_afresh

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

BASE_PRICE = "base price"
COLUMNS = ["product_id", "batch_id", "price", "reason", "recorded_at"]


def sellable(now: datetime) -> ColumnElement[bool]:
    """Batches with pieces left that are not past their expiry date."""
    return and_(InventoryBatch.quantity > 0, InventoryBatch.expiry_date >= now.date())


def on_offer(now: datetime) -> ColumnElement[bool]:
    """Batches that cost less than the base price."""
    return and_(BatchDiscount.id.is_not(None), BatchDiscount.expires_at > now, sellable(now))


def effective_price(now: datetime) -> ColumnElement[Decimal]:
    """What a piece of the batch costs in the shop."""
    return case((on_offer(now), BatchDiscount.computed_price), else_=Product.base_price)


def count_recordable(session: Session) -> int:
    """How many products and batches have a price to look at."""
    products = session.scalar(select(func.count()).select_from(Product)) or 0
    return products + (session.scalar(select(func.count()).select_from(InventoryBatch)) or 0)


def record_base_prices(*, session: Session, after: int, limit: int, now: datetime) -> RecordedChunk:
    """Record the base prices that changed, of the next `limit` products."""
    ids = _hold(session, table=Product, after=after, limit=limit)
    last = _last_recorded(PriceHistory.product_id == Product.id, PriceHistory.batch_id.is_(None))
    changed = select(
        Product.id,
        literal(None, PriceHistory.batch_id.type),
        Product.base_price,
        literal(BASE_PRICE),
        _time(now),
    ).where(Product.id.in_(ids), last.is_distinct_from(Product.base_price))
    return _record(session, changed, ids=ids)


def record_batch_prices(*, session: Session, after: int, limit: int, now: datetime) -> RecordedChunk:
    """Record the shop prices that changed, of the next `limit` batches.

    A batch begins its history when it can be sold. Once its discount ended, whether closed, run out, or
    because nothing is left to sell, the base price is recorded.
    """
    ids = _hold(session, table=InventoryBatch, after=after, limit=limit)
    last = _last_recorded(PriceHistory.batch_id == InventoryBatch.id)
    price = effective_price(now)
    reason = case((on_offer(now), BatchDiscount.rule), else_=BASE_PRICE)
    changed = (
        select(InventoryBatch.product_id, InventoryBatch.id, price, reason, _time(now))
        .join(Product, Product.id == InventoryBatch.product_id)
        .outerjoin(BatchDiscount, active_discount_of(ids))
        .where(InventoryBatch.id.in_(ids), or_(and_(last.is_(None), sellable(now)), last != price))
    )
    return _record(session, changed, ids=ids)


def _hold(
    session: Session, *, table: type[Product | InventoryBatch], after: int, limit: int
) -> Sequence[int]:
    """Lock the next rows, so that two recorders take turns and record a change once."""
    plan_afresh(session)
    rows = select(table.id).where(table.id > after).order_by(table.id).limit(limit)
    return session.scalars(rows.with_for_update(key_share=True)).all()


def _last_recorded(*which: ColumnElement[bool]) -> ColumnElement[Decimal]:
    newest = select(PriceHistory.price).where(*which).order_by(PriceHistory.id.desc()).limit(1)
    return newest.correlate(Product, InventoryBatch).scalar_subquery()


def _time(now: datetime) -> ColumnElement[datetime]:
    return literal(now, PriceHistory.recorded_at.type)


def _record(session: Session, changed: Select[*tuple[Any, ...]], *, ids: Sequence[int]) -> RecordedChunk:
    if not ids:
        return RecordedChunk(recorded=0, examined=0, last_id=None)
    added = session.execute(
        insert(PriceHistory).from_select(COLUMNS, changed).execution_options(preserve_rowcount=True)
    )
    return RecordedChunk(recorded=row_count(added), examined=len(ids), last_id=ids[-1])

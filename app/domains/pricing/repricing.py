"""Decides what batches cost and writes what changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Select, and_, case, insert, select, update

from app.domains.pricing.facts import Stats
from app.domains.pricing.models import BatchDiscount, InventoryBatch, Product
from app.domains.pricing.money import unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, CursorResult, Result, Row
    from sqlalchemy.orm import Session

    from app.domains.pricing.rules.table import Quote, RuleTable

IS_ACTIVE = BatchDiscount.valid_to.is_(None)


def end_of(day: date) -> datetime:
    """The first moment at which a batch that expires on `day` is no longer sold."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


@dataclass(kw_only=True)
class _Changes:
    closing: list[int] = field(default_factory=list)
    opening: list[dict[str, Any]] = field(default_factory=list)
    opened: int = 0
    unchanged: int = 0

    def stats(self) -> Stats:
        changed = len(self.opening) - self.opened
        return Stats(
            examined=len(self.closing) + self.opened + self.unchanged,
            opened=self.opened,
            changed=changed,
            ended=len(self.closing) - changed,
            unchanged=self.unchanged,
        )


def reprice(*, session: Session, rules: RuleTable, batch_ids: Sequence[int], now: datetime) -> Stats:
    """Give these batches, whose rows the caller holds, the price of the rules."""
    changes = _Changes()
    for batch in session.execute(_with_discount(batch_ids)):
        _decide(batch, rules=rules, now=now, changes=changes)
    # Close before opening: the unique index allows one active discount per batch at any moment.
    if changes.closing:
        close_discounts(session=session, which=BatchDiscount.id.in_(changes.closing), now=now)
    if changes.opening:
        session.execute(insert(BatchDiscount), changes.opening)
    return changes.stats()


def _with_discount(batch_ids: Sequence[int]) -> Select[*tuple[Any, ...]]:
    return (
        select(
            InventoryBatch.id,
            InventoryBatch.quantity,
            InventoryBatch.expiry_date,
            Product.base_price,
            Product.currency,
            Product.category,
            BatchDiscount.id.label("discount_id"),
            BatchDiscount.computed_price,
            BatchDiscount.expires_at,
        )
        .join(Product, Product.id == InventoryBatch.product_id)
        .outerjoin(BatchDiscount, active_discount_of(batch_ids))
        .where(InventoryBatch.id.in_(batch_ids))
    )


def active_discount_of(batch_ids: Sequence[int]) -> ColumnElement[bool]:
    """Joins the active discounts of these batches, named twice so that no plan reads those of all."""
    return and_(BatchDiscount.batch_id == InventoryBatch.id, BatchDiscount.batch_id.in_(batch_ids), IS_ACTIVE)


def _decide(batch: Row[*tuple[Any, ...]], *, rules: RuleTable, now: datetime, changes: _Changes) -> None:
    quote = rules.quote(
        base_price=batch.base_price,
        unit=unit_of(batch.currency),
        category=batch.category,
        days_left=(batch.expiry_date - now.date()).days,
        quantity=batch.quantity,
    )
    if _holds(batch, quote=quote):
        changes.unchanged += 1
        return
    if batch.discount_id is not None:
        changes.closing.append(batch.discount_id)
    if quote is not None:
        changes.opened += batch.discount_id is None
        changes.opening.append(_discount(batch, quote=quote, now=now))


def _holds(batch: Row[*tuple[Any, ...]], *, quote: Quote | None) -> bool:
    """Whether what is active now is what the rules give: the same price until the same end."""
    if quote is None or batch.discount_id is None:
        return quote is None and batch.discount_id is None
    return bool(batch.computed_price == quote.price and batch.expires_at == end_of(batch.expiry_date))


def _discount(batch: Row[*tuple[Any, ...]], *, quote: Quote, now: datetime) -> dict[str, Any]:
    return {
        "batch_id": batch.id,
        "discount_pct": quote.discount_pct,
        "computed_price": quote.price,
        "rule": quote.rule,
        "valid_from": now,
        "expires_at": end_of(batch.expiry_date),
    }


def close_discounts(*, session: Session, which: ColumnElement[bool], now: datetime) -> int:
    """End active discounts, those that ran out at the moment they did; the number of them."""
    ran_out = BatchDiscount.expires_at < now
    # Another host's clock may be ahead: a discount must not end before it began.
    at = case(
        (ran_out, BatchDiscount.expires_at),
        (BatchDiscount.valid_from > now, BatchDiscount.valid_from),
        else_=now,
    )
    return row_count(
        session.execute(
            update(BatchDiscount)
            .where(IS_ACTIVE, which)
            .values(valid_to=at)
            .execution_options(synchronize_session=False)
        )
    )


def row_count(result: Result[*tuple[Any, ...]]) -> int:
    """How many rows an UPDATE or INSERT touched."""
    return cast("CursorResult[*tuple[Any, ...]]", result).rowcount

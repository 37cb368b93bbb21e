"""Sets and ends discounts. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Select, and_, case, func, insert, select, update

from app.pricing.errors import BatchNotFound
from app.pricing.facts import Chunk, Cleanup, KeyRange, Stats
from app.pricing.models import BatchDiscount, InventoryBatch, Product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, CursorResult, Result, Row
    from sqlalchemy.orm import Session

    from app.pricing.rules import Quote, RuleTable

IS_ACTIVE = BatchDiscount.valid_to.is_(None)


def end_of(day: date) -> datetime:
    """The first moment at which a batch that expires on `day` is no longer sold."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def in_window(*, now: datetime, days_threshold: int) -> ColumnElement[bool]:
    """Batches with pieces left that expire today or in the next days; never one past its expiry date."""
    today = now.date()
    last = today + timedelta(days=days_threshold)
    return and_(InventoryBatch.quantity > 0, InventoryBatch.expiry_date.between(today, last))


def in_range(keys: KeyRange) -> ColumnElement[bool]:
    """Batches of a key range."""
    above = InventoryBatch.id > keys.after
    return above if keys.upto is None else and_(above, InventoryBatch.id <= keys.upto)


def recompute_chunk(
    *, session: Session, rules: RuleTable, days_threshold: int, keys: KeyRange, limit: int, now: datetime
) -> Chunk:
    """Price the next `limit` batches of the window in `keys`, in the order of their ids."""
    ids = session.scalars(
        select(InventoryBatch.id)
        .where(in_window(now=now, days_threshold=days_threshold), in_range(keys))
        .order_by(InventoryBatch.id)
        .limit(limit)
        # Whoever prices a batch holds its row, so that two recomputes take turns on it. The discounts are
        # read by a statement of its own: one that waited for a lock still sees what was before the wait.
        .with_for_update(key_share=True)
    ).all()
    if not ids:
        return Chunk(stats=Stats(), last_id=None)
    return Chunk(stats=_reprice(session=session, rules=rules, batch_ids=ids, now=now), last_id=ids[-1])


def recompute_batch(*, session: Session, rules: RuleTable, batch_id: int, now: datetime) -> Stats:
    """Price one batch, in the window or not. Raises `BatchNotFound`."""
    found = session.scalar(
        select(InventoryBatch.id).where(InventoryBatch.id == batch_id).with_for_update(key_share=True)
    )
    if found is None:
        raise BatchNotFound(batch_id=batch_id)
    return _reprice(session=session, rules=rules, batch_ids=[batch_id], now=now)


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


def _reprice(*, session: Session, rules: RuleTable, batch_ids: Sequence[int], now: datetime) -> Stats:
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
            Product.category,
            BatchDiscount.id.label("discount_id"),
            BatchDiscount.computed_price,
            BatchDiscount.expires_at,
        )
        .join(Product, Product.id == InventoryBatch.product_id)
        .outerjoin(BatchDiscount, and_(BatchDiscount.batch_id == InventoryBatch.id, IS_ACTIVE))
        .where(InventoryBatch.id.in_(batch_ids))
    )


def _decide(batch: Row[*tuple[Any, ...]], *, rules: RuleTable, now: datetime, changes: _Changes) -> None:
    quote = rules.quote(
        base_price=batch.base_price,
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


def cleanup_expired(*, session: Session, now: datetime) -> Cleanup:
    """Close the discounts of batches past their expiry date, and those past their own end."""
    past = select(InventoryBatch.id).where(InventoryBatch.expiry_date < now.date())
    return Cleanup(
        expired_batches=close_discounts(session=session, which=BatchDiscount.batch_id.in_(past), now=now),
        past_expires_at=close_discounts(session=session, which=BatchDiscount.expires_at <= now, now=now),
    )


def count_window(*, session: Session, days_threshold: int, keys: KeyRange, now: datetime) -> int:
    """How many batches a recompute would examine."""
    window = in_window(now=now, days_threshold=days_threshold)
    return session.scalar(select(func.count()).select_from(InventoryBatch).where(window, in_range(keys))) or 0


def key_ranges(*, session: Session, days_threshold: int, size: int, now: datetime) -> list[KeyRange]:
    """The window cut into ranges of `size` batches each."""
    position = func.row_number().over(order_by=InventoryBatch.id)
    numbered = (
        select(InventoryBatch.id, ((position - 1) // size).label("part"))
        .where(in_window(now=now, days_threshold=days_threshold))
        .subquery()
    )
    ends = session.execute(
        select(func.min(numbered.c.id), func.max(numbered.c.id))
        .group_by(numbered.c.part)
        .order_by(func.min(numbered.c.id))
    )
    return [KeyRange(after=first - 1, upto=last) for first, last in ends]

"""Sets and ends discounts. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select, text

from app.domains.pricing.errors import BatchNotFound
from app.domains.pricing.facts import Chunk, Cleanup, KeyRange, Stats
from app.domains.pricing.models import BatchDiscount, InventoryBatch
from app.domains.pricing.repricing import close_discounts, reprice

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.domains.pricing.rules.table import RuleTable


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
    plan_afresh(session)
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
    return Chunk(stats=reprice(session=session, rules=rules, batch_ids=ids, now=now), last_id=ids[-1])


def plan_afresh(session: Session) -> None:
    """Plan each statement of this transaction for the tables as they are now.

    PostgreSQL would keep the plan it made while a table was small, and read all of it for every chunk.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))


def recompute_batch(*, session: Session, rules: RuleTable, batch_id: int, now: datetime) -> Stats:
    """Price one batch, in the window or not. Raises `BatchNotFound`."""
    found = session.scalar(
        select(InventoryBatch.id).where(InventoryBatch.id == batch_id).with_for_update(key_share=True)
    )
    if found is None:
        raise BatchNotFound(batch_id=batch_id)
    return reprice(session=session, rules=rules, batch_ids=[batch_id], now=now)


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

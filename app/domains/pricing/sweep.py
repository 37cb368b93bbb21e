"""Walks over many rows in chunks, one short transaction for each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.domains.pricing.errors import OutOfRange
from app.domains.pricing.facts import KeyRange, Progress, Stats
from app.domains.pricing.history import count_recordable, record_base_prices, record_batch_prices
from app.domains.pricing.service import count_window, recompute_chunk
from app.settings.business_clock import business_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import Session

    from app.domains.pricing.rules.table import RuleTable

    #: Opens the transaction of one chunk.
    Transaction = Callable[[], AbstractContextManager[Session]]
    Report = Callable[[Progress], None]

EVERYTHING = KeyRange()
MAX_DAYS = 3650
#: A chunk is one transaction and one list of parameters; SQLite takes 32,766 of them.
MAX_CHUNK = 5_000


def recompute(
    *,
    transaction: Transaction,
    rules: RuleTable,
    days_threshold: int,
    chunk_size: int,
    keys: KeyRange = EVERYTHING,
    report: Report,
) -> Stats:
    """Price every batch of the window in `keys`. Repeating it, or two at once, comes to the same."""
    _refuse(name="days_threshold", value=days_threshold, least=0, most=MAX_DAYS)
    _refuse(name="chunk_size", value=chunk_size, least=1, most=MAX_CHUNK)
    with transaction() as session:
        total = count_window(session=session, days_threshold=days_threshold, keys=keys, now=business_now())
    stats = Stats()
    step = partial(recompute_chunk, rules=rules, days_threshold=days_threshold, limit=chunk_size)
    while True:
        with transaction() as session:
            chunk = step(session=session, keys=keys, now=business_now())
        if chunk.last_id is None:
            return stats
        stats += chunk.stats
        keys = KeyRange(after=chunk.last_id, upto=keys.upto)
        report(Progress(done=stats.examined, total=max(total, stats.examined)))


def record_prices(*, transaction: Transaction, chunk_size: int, report: Report) -> int:
    """Record every price that differs from the last one recorded; the number of them."""
    _refuse(name="chunk_size", value=chunk_size, least=1, most=MAX_CHUNK)
    with transaction() as session:
        total = count_recordable(session)
    recorded = done = 0
    for step in (record_base_prices, record_batch_prices):
        last_id: int | None = 0
        while last_id is not None:
            with transaction() as session:
                chunk = step(session=session, after=last_id, limit=chunk_size, now=business_now())
            recorded, done, last_id = recorded + chunk.recorded, done + chunk.examined, chunk.last_id
            report(Progress(done=done, total=max(total, done)))
    return recorded


def _refuse(*, name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise OutOfRange(name=name, value=value, least=least, most=most)

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from app.db.sessions import reading, transaction
from app.domains.pricing import service, sweep
from app.domains.pricing.catalogue import price_history
from tests.domains.pricing import shop

if TYPE_CHECKING:
    from sqlalchemy import Engine


def record(*, chunk_size: int = 10) -> int:
    return sweep.record_prices(transaction=transaction, chunk_size=chunk_size, report=lambda _progress: None)


def recorded(sku: str = "SKU-B1") -> list[tuple[str | None, str, str]]:
    """Batch, price and reason of each record, the oldest first."""
    with reading() as session:
        page = price_history(session=session, sku=sku, before=None, limit=100)
    return [(row.batch, str(row.price), row.reason) for row in reversed(page.rows)]


def test_the_first_record_is_of_the_product_and_its_batch(database: Engine) -> None:
    shop.put(days=3)
    assert record() == 2
    assert recorded() == [(None, "10.00", "base price"), ("B1", "10.00", "base price")]


def test_nothing_is_recorded_while_no_price_changes(database: Engine) -> None:
    shop.put(days=3)
    record()
    assert record() == 0
    shop.recompute()
    assert record() == 1
    assert record() == 0


def test_a_discount_and_its_end_are_both_visible(database: Engine) -> None:
    batch = shop.put(days=3)
    shop.recompute()
    record()
    shop.change(batch, days=-1)
    with transaction() as session:
        service.cleanup_expired(session=session, now=shop.now())
    record()
    assert recorded()[1:] == [("B1", "6.00", "ending soon"), ("B1", "10.00", "base price")]
    assert record() == 0


def test_a_discount_that_ran_out_is_the_base_price_before_any_cleanup(database: Engine) -> None:
    batch = shop.put(days=3)
    shop.recompute()
    record()
    with transaction() as session:
        [discount] = shop.discounts(batch)
        session.merge(discount).expires_at = shop.now() - timedelta(minutes=1)
    record()
    assert recorded()[-1] == ("B1", "10.00", "base price")


def test_a_sold_out_batch_returns_to_the_base_price(database: Engine) -> None:
    batch = shop.put(days=3)
    shop.recompute()
    record()
    shop.change(batch, quantity=0)
    record()
    assert recorded()[-1] == ("B1", "10.00", "base price")


def test_a_batch_that_never_could_be_sold_has_no_history(database: Engine) -> None:
    shop.put(days=-3)
    record()
    assert recorded() == [(None, "10.00", "base price")]


def test_a_changed_base_price_is_recorded_for_the_product(database: Engine) -> None:
    batch = shop.put(days=90)
    record()
    shop.change(batch, price="12.00")
    record()
    assert (None, "12.00", "base price") in recorded()
    assert ("B1", "12.00", "base price") in recorded()


def test_two_recorders_at_once_record_a_change_once(database: Engine) -> None:
    shop.put_many(40)
    shop.recompute()
    with ThreadPoolExecutor(3) as threads:
        counts = list(threads.map(lambda size: record(chunk_size=size), (7, 11, 40)))
    assert sum(counts) == 41

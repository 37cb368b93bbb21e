from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading
from app.domains.pricing import catalogue
from app.domains.pricing.errors import ProductNotFound
from tests.domains.pricing import shop

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.db.pages import Page


def prices(*, sku: str | None = None, after: int | None = None, limit: int = 10) -> Page:
    with reading() as session:
        return catalogue.prices(session=session, sku=sku, now=shop.now(), after=after, limit=limit)


def test_a_discounted_batch_shows_its_price_and_rule(database: Engine) -> None:
    shop.put(days=3)
    shop.recompute()
    [row] = prices().rows
    assert (row.price, row.base_price, row.rule) == (Decimal("6.00"), Decimal("10.00"), "ending soon")


def test_without_a_discount_the_base_price_holds(database: Engine) -> None:
    shop.put(days=90)
    [row] = prices().rows
    assert (row.price, row.discount_pct, row.rule) == (Decimal("10.00"), None, None)


def test_what_cannot_be_sold_has_no_price_but_is_among_its_products_batches(database: Engine) -> None:
    shop.put(code="old", days=-1)
    shop.put(code="none", quantity=0)
    assert prices().rows == []
    with reading() as session:
        page = catalogue.batches_of(session=session, sku="SKU-old", now=shop.now(), after=None, limit=10)
    assert [row.batch for row in page.rows] == ["old"]


def test_an_expired_batch_shows_the_base_price_before_any_cleanup(database: Engine) -> None:
    batch = shop.put(days=1)
    shop.recompute()
    shop.change(batch, days=-1)
    with reading() as session:
        page = catalogue.batches_of(session=session, sku="SKU-B1", now=shop.now(), after=None, limit=10)
    assert [(row.price, row.rule) for row in page.rows] == [(Decimal("10.00"), None)]


def test_pages_hold_each_batch_once(database: Engine) -> None:
    shop.put_many(25)
    seen, after = [], None
    while True:
        page = prices(after=after)
        seen += [row.batch for row in page.rows]
        if page.next is None:
            break
        after = page.next
    assert len(seen) == len(set(seen)) == 25


def test_products_are_found_by_category(database: Engine) -> None:
    shop.put(code="A", category="dairy")
    shop.put(code="B", category="meat")
    with reading() as session:
        page = catalogue.products(session=session, category="meat", after=None, limit=10)
    assert [row.sku for row in page.rows] == ["SKU-B"]


def test_an_unknown_product_is_named(database: Engine) -> None:
    with pytest.raises(ProductNotFound, match='no product with the SKU "NOPE"'):
        prices(sku="NOPE")

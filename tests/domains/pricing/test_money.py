from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from app.db.sessions import reading
from app.domains.pricing.models import Product
from app.domains.pricing.money import HIGHEST_PRICE
from tests.domains.pricing import shop

if TYPE_CHECKING:
    from sqlalchemy import Engine


@pytest.mark.parametrize("price", ["0.01", "0.10", "19.99", "1234567.89", str(HIGHEST_PRICE)])
def test_a_price_comes_back_as_it_was_stored(database: Engine, price: str) -> None:
    shop.put(price=price)
    with reading() as session:
        stored = session.scalar(select(Product.base_price))
    assert isinstance(stored, Decimal)
    assert str(stored) == price


def test_prices_compare_exactly_in_sql(database: Engine) -> None:
    shop.put(code="A", price="0.30")
    shop.put(code="B", price="0.29")
    with reading() as session:
        found = session.scalars(select(Product.sku).where(Product.base_price >= Decimal("0.30"))).all()
        largest = session.scalar(select(Product.base_price).order_by(Product.base_price.desc()).limit(1))
    assert found == ["SKU-A"]
    assert largest == Decimal("0.30")


def test_a_price_that_would_be_rounded_is_refused(database: Engine) -> None:
    with pytest.raises(StatementError, match="more than 2 decimals"):
        shop.put(price="1.005")

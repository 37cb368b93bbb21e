"""What a cell may hold."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.pricing.imports import columns
from app.domains.pricing.money import HIGHEST_PRICE
from app.values.csv_file import BadValue

if TYPE_CHECKING:
    from decimal import Decimal


@given(price=st.decimals("0.01", HIGHEST_PRICE, places=2))
def test_every_price_in_range_is_read_exactly(price: Decimal) -> None:
    assert columns.price(f"{price:f}") == price


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-1.00", '"-1.00" is negative'),
        ("0", '"0" is out of range'),
        ("NaN", '"NaN" is not a price'),
        ("Infinity", "is not a price"),
        ("1e5", "is not a price"),
        ("1,50", '"1,50" is not a price; write it like 12.50'),
        ("1.005", '"1.005" has more than two decimals'),
        ("99999999999", "is out of range; give a price from 0.01 to 9999999999.99"),
        ("9" * 60, "is not a price"),
        ("EUR 5", "is not a price"),
        ("\u0661", "is not a price"),  # a digit of another script
    ],
)
def test_what_is_no_price_is_said_to_be_none(text: str, reason: str) -> None:
    with pytest.raises(BadValue, match=re.escape(reason)):
        columns.price(text)


@pytest.mark.parametrize("text", ["-4", "1.5", "2147483648", "x", "9" * 50])
def test_what_is_no_quantity_is_said_to_be_none(text: str) -> None:
    with pytest.raises(BadValue, match="give a whole number from 0 to 2147483647"):
        columns.quantity(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("31.01.2030", '"31.01.2030" is not a date; write it like 2026-01-31'),
        ("20300131", "is not a date"),
        ("2030-02-30", '"2030-02-30" is not a day of the calendar'),
        ("0203-01-31", "give a year from 2000 to 2199"),
    ],
)
def test_what_is_no_day_is_said_to_be_none(text: str, reason: str) -> None:
    with pytest.raises(BadValue, match=re.escape(reason)):
        columns.day(text)


def test_a_day_and_a_quantity_are_read() -> None:
    assert columns.day("2030-01-31") == date(2030, 1, 31)
    assert columns.quantity("0012") == 12


@pytest.mark.parametrize("text", ["eur", "EURO", "E1R"])
def test_what_is_no_currency_is_said_to_be_none(text: str) -> None:
    with pytest.raises(BadValue, match="three letters, such as EUR"):
        columns.currency(text)


def test_a_long_text_is_refused() -> None:
    with pytest.raises(BadValue, match="has 65 characters; 64 are allowed"):
        columns.category("x" * 65)

"""The columns of the two files that can be imported, and what their cells may hold."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from app.domains.pricing.money import CENT, HIGHEST_PRICE
from app.values.csv_file import BadValue, Column

if TYPE_CHECKING:
    from collections.abc import Callable

HIGHEST_QUANTITY = 2_147_483_647
FIRST_YEAR, LAST_YEAR = 2000, 2199

_NUMBER = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def price(text: str) -> Decimal:
    """A price above zero with at most two decimals, such as 12.50."""
    if text.startswith("-"):
        raise BadValue(f'"{text}" is negative; give a price above 0')
    if not _NUMBER.fullmatch(text):
        raise BadValue(f'"{text}" is not a price; write it like 12.50, without currency or thousands signs')
    value = Decimal(text)
    if not 0 < value <= HIGHEST_PRICE:
        raise BadValue(f'"{text}" is out of range; give a price from {CENT} to {HIGHEST_PRICE}')
    if value != value.quantize(CENT):
        raise BadValue(f'"{text}" has more than two decimals; round it')
    return value


def currency(text: str) -> str:
    """Three capital letters, such as EUR."""
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise BadValue(f'"{text}" is not a currency; write its three letters, such as EUR')
    return text


def quantity(text: str) -> int:
    """A whole number of pieces; 0 means sold out."""
    if not re.fullmatch(r"[0-9]{1,40}", text) or int(text) > HIGHEST_QUANTITY:
        raise BadValue(f'"{text}" is not a quantity; give a whole number from 0 to {HIGHEST_QUANTITY}')
    return int(text)


def day(text: str) -> date:
    """A date as YYYY-MM-DD."""
    if not _DAY.fullmatch(text):
        raise BadValue(f'"{text}" is not a date; write it like 2026-01-31')
    try:
        value = date.fromisoformat(text)
    except ValueError:
        raise BadValue(f'"{text}" is not a day of the calendar') from None
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise BadValue(f'"{text}" is out of range; give a year from {FIRST_YEAR} to {LAST_YEAR}')
    return value


def words(*, longest: int) -> Callable[[str], str]:
    """Text up to so many characters."""

    def parse(text: str) -> str:
        if len(text) > longest:
            raise BadValue(f'"{text[:20]}..." has {len(text)} characters; {longest} are allowed')
        return text

    return parse


def category(text: str) -> str:
    """A category in lower case, as the rules name it."""
    return words(longest=64)(text).lower()


PRODUCT_COLUMNS = (
    Column(name="sku", parse=words(longest=64)),
    Column(name="name", parse=words(longest=200)),
    Column(name="category", parse=category),
    Column(name="base_price", parse=price),
    Column(name="currency", parse=currency),
)
BATCH_COLUMNS = (
    Column(name="code", parse=words(longest=64)),
    Column(name="sku", parse=words(longest=64)),
    Column(name="quantity", parse=quantity),
    Column(name="expiry_date", parse=day),
    Column(name="received_on", parse=day, required=False),
)

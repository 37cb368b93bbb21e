"""Decimal columns that never pass through a float.

A price stays a decimal because files give it so and rules take percentages of it. Amounts that are only
added up are whole minor units (`app.values.money`, the home of what decimals a currency has).
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Numeric
from sqlalchemy.types import TypeDecorator

from app.values.money import minor_digits, unit

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine


class FixedPoint(TypeDecorator[Decimal]):
    """A number with a fixed count of decimals: NUMERIC on PostgreSQL, whole smallest units on SQLite.

    SQLite has no decimal type; its NUMERIC is a float. As integers, values stay exact and comparable in SQL.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, digits: int, scale: int) -> None:
        super().__init__(digits, scale)
        self.digits = digits
        self.scale = scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(Numeric(self.digits, self.scale))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        units = value.scaleb(self.scale)
        if units != units.to_integral_value():
            raise ValueError(f"{value} has more than {self.scale} decimals; round it before it is stored.")
        return int(units) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None or dialect.name != "sqlite":
            return value  # type: ignore[no-any-return]  # the driver gives a Decimal
        return Decimal(value).scaleb(-self.scale)


#: An amount in a currency with two decimals.
MONEY = FixedPoint(12, 2)
#: A percentage of 0 to 100 with four decimals: a third off is 33.3333.
PERCENT = FixedPoint(7, 4)
CENT = unit(MONEY.scale)
HIGHEST_PRICE = Decimal("9999999999.99")


@cache
def unit_of(currency: str) -> Decimal:
    """The smallest amount that a price in `currency` can differ by: a cent, or one yen."""
    return unit(min(minor_digits(currency), MONEY.scale))

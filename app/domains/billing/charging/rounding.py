"""How times and amounts are rounded: by whole numbers and fractions, never by floats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domains.billing.charging.errors import IncrementNotAllowed
from app.values.money import AmountTooLarge, to_decimal
from app.values.row_ids import MAX_BIGINT

if TYPE_CHECKING:
    from fractions import Fraction

#: Minutes that divide an hour, so that an hour is never made more or less of; 0 is to the second.
INCREMENTS = (0, 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)
_MICROSECOND = timedelta(microseconds=1)


class Direction(StrEnum):
    """Where a time goes that lies between two increments; the nearest of the middle is the upper one."""

    UP = "up"
    NEAREST = "nearest"
    DOWN = "down"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rounding:
    """How the length of each entry is rounded, each by itself."""

    minutes: int = 0
    direction: Direction = Direction.NEAREST

    def __post_init__(self) -> None:
        if type(self.minutes) is not int or self.minutes not in INCREMENTS:
            raise IncrementNotAllowed(minutes=self.minutes, allowed=INCREMENTS)

    def seconds(self, length: timedelta) -> int:
        """`length` in whole increments; nothing stays nothing."""
        increment = timedelta(minutes=self.minutes) or timedelta(seconds=1)
        step = increment // _MICROSECOND
        exact = length // _MICROSECOND
        extra = {Direction.UP: step - 1, Direction.NEAREST: step // 2, Direction.DOWN: 0}[self.direction]
        return (exact + extra) // step * (step // (timedelta(seconds=1) // _MICROSECOND))


def half_up(exact: Fraction) -> int:
    """The nearest whole number; of two that are as near, the one farther from zero."""
    whole = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return whole if exact >= 0 else -whole


def storable(amount: int, currency: str) -> int:
    """`amount`, in minor units. Raises `AmountTooLarge` for one that no column holds."""
    if abs(amount) > MAX_BIGINT:
        raise AmountTooLarge(amount=to_decimal(amount, currency), currency=currency)
    return amount

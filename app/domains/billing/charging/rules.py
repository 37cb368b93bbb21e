"""The kinds of billing rules: what time costs, from which day to which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from app.domains.billing.charging import bounds
from app.domains.billing.charging.errors import RuleEndsBeforeStart, UnknownCurrency
from app.domains.billing.charging.rounding import Rounding
from app.values.money import OFFICIAL

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from app.domains.billing.charging.periods import Period
    from app.domains.billing.charging.taxes import Tax


@dataclass(frozen=True, kw_only=True, slots=True)
class Overtime:
    """What a worker's hours of one local day above a threshold cost: so many times the rate."""

    threshold_hours: Decimal
    multiplier: Decimal

    def __post_init__(self) -> None:
        bounds.check_hours(
            self.threshold_hours, what="threshold of overtime in hours", high=bounds.MAX_THRESHOLD_HOURS
        )
        bounds.check_decimal(
            self.multiplier,
            what="multiplier of overtime",
            low=bounds.MIN_MULTIPLIER,
            high=bounds.MAX_MULTIPLIER,
            places=bounds.MULTIPLIER_PLACES,
        )


@dataclass(frozen=True, kw_only=True)
class _Rule(ABC):
    """What all rules have. Without a project it holds for all of the client's projects that have none.

    It is in force from the first to the last of its days, both included; without a last one, for good.
    Amounts are in minor units of `currency`.
    """

    id: int
    project_id: int | None = None
    currency: str
    tax: Tax
    rounding: Rounding = field(default_factory=Rounding)
    effective_from: date
    effective_to: date | None = None

    def __post_init__(self) -> None:
        bounds.check_own_id(self.id, what="a rule")
        if self.project_id is not None:
            bounds.check_id(self.project_id, what=f"the project of {self.name}")
        if self.currency not in OFFICIAL:
            raise UnknownCurrency(currency=self.currency, rule=self.name)
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise RuleEndsBeforeStart(
                rule=self.name, effective_from=self.effective_from, effective_to=self.effective_to
            )
        self.check_numbers()

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return bounds.name_of("rule", self.id)

    @abstractmethod
    def check_numbers(self) -> None:
        """Raise where an amount or a number of hours is out of bounds."""

    def _check_amount(self, amount: int, *, what: str, high: int) -> None:
        bounds.check_whole(amount, what=f"{what} of {self.name} in minor units of {self.currency}", high=high)

    def _check_hours(self, hours: Decimal | None, *, what: str) -> None:
        if hours is not None:
            bounds.check_hours(hours, what=f"{what} of {self.name} in hours")

    def is_in_force(self, day: date) -> bool:
        """Whether it says what work of that day costs."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)

    def part_of(self, period: Period) -> Fraction:
        """The part of the period's days on which it is in force: 1 for all, 0 for none."""
        first = max(period.first, self.effective_from)
        last = period.last if self.effective_to is None else min(period.last, self.effective_to)
        return Fraction(max((last - first).days + 1, 0), period.days)


@dataclass(frozen=True, kw_only=True)
class Hourly(_Rule):
    """Time costs so much an hour; what is above the hours of the cap in a period costs nothing."""

    rate: int
    overtime: Overtime | None = None
    cap_hours: Decimal | None = None

    def check_numbers(self) -> None:
        """Raise where the rate or the cap is out of bounds."""
        self._check_amount(self.rate, what="hourly rate", high=bounds.MAX_RATE)
        self._check_hours(self.cap_hours, what="cap")


@dataclass(frozen=True, kw_only=True)
class Fixed(_Rule):
    """A period costs so much, whatever the hours."""

    fee: int

    def check_numbers(self) -> None:
        """Raise where the fee is out of bounds."""
        self._check_amount(self.fee, what="fee", high=bounds.MAX_FEE)


@dataclass(frozen=True, kw_only=True)
class Retainer(Hourly):
    """A period costs a fee that includes hours; those above cost the rate, and unused ones can be carried.

    Unused hours are good for the next `carry_periods` periods.
    """

    fee: int
    included_hours: Decimal
    carry_periods: int = 0

    def check_numbers(self) -> None:
        """Raise where the fee, the rate or the hours are out of bounds."""
        super().check_numbers()
        self._check_amount(self.fee, what="fee", high=bounds.MAX_FEE)
        self._check_hours(self.included_hours, what="included time")
        bounds.check_whole(
            self.carry_periods,
            what=f"number of periods of {self.name} that hours are carried for",
            high=bounds.MAX_CARRY_PERIODS,
        )


Rule = Hourly | Fixed | Retainer

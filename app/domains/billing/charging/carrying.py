"""Hours of a retainer that were not used, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domains.billing.charging.bounds import MAX_PERIOD_HOURS, check_whole, seconds
from app.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.domains.billing.charging.periods import Period


class CarriedWithoutRetainer(InvalidInput):
    """Raised for unused hours of a rule that is not there or includes none."""

    code = "carried_without_retainer"

    def __init__(self, *, rule_id: int) -> None:
        super().__init__(
            f"There are unused hours of rule {rule_id}, which is not one of the retainers. "
            "Give them to a retainer, or leave them out."
        )


class CarriedFromLater(InvalidInput):
    """Raised for unused hours of a period that is not over yet when the charged one begins."""

    code = "carried_from_later"

    def __init__(self, *, unused: Period, charged: Period) -> None:
        super().__init__(
            f"Unused hours of {unused} cannot be carried to {charged}. Give those of earlier periods only."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Unused:
    """Seconds that a fee included in a period and nobody worked."""

    period: Period
    seconds: int

    def __post_init__(self) -> None:
        check_whole(
            self.seconds, what=f"number of unused seconds of {self.period}", high=seconds(MAX_PERIOD_HOURS)
        )


def usable(carried: Iterable[Unused], *, period: Period, carry_periods: int) -> list[Unused]:
    """What of `carried` is still good in `period`, the oldest first. Raises `CarriedFromLater`."""
    good = []
    for unused in sorted(carried, key=lambda unused: (unused.period, unused.seconds)):
        age = period.months_since(unused.period)
        if age < 1:
            raise CarriedFromLater(unused=unused.period, charged=period)
        if age <= carry_periods and unused.seconds:
            good.append(unused)
    return good


def left_over(
    available: Iterable[Unused], *, used: int, period: Period, carry_periods: int
) -> tuple[Unused, ...]:
    """What is still good after `period`, in which `used` seconds were taken, from the oldest first."""
    left = []
    for unused in available:
        taken = min(unused.seconds, used)
        used -= taken
        rest = unused.seconds - taken
        if rest and period.months_since(unused.period) < carry_periods:
            left.append(Unused(period=unused.period, seconds=rest))
    return tuple(left)

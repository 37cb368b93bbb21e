"""Taxes on lines, in the categories of EN 16931 (UNTDID 5305)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domains.billing.charging.bounds import MAX_PERCENT, PERCENT_PLACES, check_decimal
from app.errors import InvalidInput
from app.values.text import one_line

if TYPE_CHECKING:
    from decimal import Decimal

MAX_REASON_LENGTH = 500


class TaxRateNotAllowed(InvalidInput):
    """Raised for a rate that the category of the tax does not have."""

    code = "tax_rate_not_allowed"

    def __init__(self, *, category: str, percent: Decimal, wanted: str) -> None:
        super().__init__(f"A tax of the category {category} cannot be {percent} %: give {wanted}.")


class TaxReasonMissing(InvalidInput):
    """Raised where no tax is charged and nobody says why, or with what cannot be printed."""

    code = "tax_reason_missing"

    def __init__(self, *, category: str, problem: str) -> None:
        super().__init__(
            f"The reason for a tax of the category {category} cannot be used: {problem}. "
            'Say in one line why no tax is charged, such as "Small business, section 19 UStG".'
        )


class TaxCategory(StrEnum):
    """Why there is a tax of that rate. A rate of zero is a tax; an exemption is none, for a reason."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"


_WITH_REASON = {TaxCategory.EXEMPT, TaxCategory.REVERSE_CHARGE}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tax:
    """The tax on a line, in percent.

    Sources: EN 16931, BR-S-5, BR-Z-5, BR-E-5 and BR-AE-5 for the rates, BR-E-10 and BR-AE-10 for the reason.
    """

    category: TaxCategory = TaxCategory.STANDARD
    percent: Decimal
    reason: str | None = None

    def __post_init__(self) -> None:
        check_decimal(self.percent, what="tax rate in percent", high=MAX_PERCENT, places=PERCENT_PLACES)
        self._check_rate()
        if self.category in _WITH_REASON:
            self._check_reason(self.reason or "")
        elif self.reason is not None:
            raise TaxReasonMissing(category=self.category, problem="tax of this category is charged")

    def _check_rate(self) -> None:
        taxed = self.category == TaxCategory.STANDARD
        if taxed != bool(self.percent):
            wanted = "a rate above 0, or the category Z or E" if taxed else "0"
            raise TaxRateNotAllowed(category=self.category, percent=self.percent, wanted=wanted)

    def _check_reason(self, reason: str) -> None:
        if len(reason) > MAX_REASON_LENGTH:
            problem = f"it has {len(reason)} characters, and {MAX_REASON_LENGTH} is the most"
            raise TaxReasonMissing(category=self.category, problem=problem)
        try:
            one_line(reason)
        except ValueError as error:
            raise TaxReasonMissing(category=self.category, problem=str(error)) from None

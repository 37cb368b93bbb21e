"""What the API shows of billing rules."""

from datetime import date
from decimal import Decimal
from typing import Self

from pydantic import BaseModel

from app.domains.billing.charging.rounding import Direction
from app.domains.billing.charging.taxes import TaxCategory
from app.domains.billing.models import BillingRule, RuleKind
from app.values.money import to_decimal

#: What is shown as the table has it.
_SAME = ("id", "client_id", "project_id", "currency", "carry_periods", "effective_from", "effective_to")


class OvertimeView(BaseModel):
    """What a worker's hours of a day above a threshold cost: so many times the rate."""

    threshold_hours: str
    multiplier: str


class RoundingView(BaseModel):
    """How the length of each entry is rounded; 0 minutes are to the second."""

    minutes: int
    direction: Direction


class TaxView(BaseModel):
    """The tax on what the rule charges."""

    category: TaxCategory
    percent: str
    reason: str | None


class RuleView(BaseModel):
    """What work for a client costs from one day to another; what its kind has not is null."""

    id: int
    client_id: int
    project_id: int | None
    kind: RuleKind
    currency: str
    rate: str | None
    fee: str | None
    included_hours: str | None
    carry_periods: int
    cap_hours: str | None
    overtime: OvertimeView | None
    rounding: RoundingView
    tax: TaxView
    effective_from: date
    effective_to: date | None

    @classmethod
    def of(cls, row: BillingRule) -> Self:
        """As the API shows it."""
        tax = TaxView(
            category=TaxCategory(row.tax_category), percent=_plain(row.tax_percent), reason=row.tax_reason
        )
        rounding = RoundingView(minutes=row.rounding_minutes, direction=Direction(row.rounding_direction))
        return cls(
            **{name: getattr(row, name) for name in _SAME},
            **{name: _money(getattr(row, name), row.currency) for name in ("rate", "fee")},
            **{name: _plain_or_none(getattr(row, name)) for name in ("included_hours", "cap_hours")},
            kind=RuleKind(row.kind),
            overtime=_overtime(row),
            rounding=rounding,
            tax=tax,
        )


class RulePage(BaseModel):
    """Some rules; `next` is the cursor of the page after, null on the last."""

    rules: list[RuleView]
    next: int | None


def _money(minor: int | None, currency: str) -> str | None:
    return None if minor is None else f"{to_decimal(minor, currency):f}"


def _plain(number: Decimal) -> str:
    """Without the zeros that the column adds."""
    return f"{number.normalize():f}"


def _plain_or_none(number: Decimal | None) -> str | None:
    return None if number is None else _plain(number)


def _overtime(row: BillingRule) -> OvertimeView | None:
    if row.overtime_threshold_hours is None or row.overtime_multiplier is None:
        return None
    return OvertimeView(
        threshold_hours=_plain(row.overtime_threshold_hours), multiplier=_plain(row.overtime_multiplier)
    )

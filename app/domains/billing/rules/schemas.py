"""What the API of billing rules takes."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field

from app.domains.billing import fields
from app.domains.billing.charging.rounding import Direction
from app.domains.billing.charging.taxes import TaxCategory
from app.domains.billing.models import RuleKind
from app.values.money import to_minor
from app.values.row_ids import RowId
from app.values.strict_models import StrictModel


class OvertimeIn(StrictModel):
    """What a worker's hours of a day above a threshold cost: so many times the rate."""

    threshold_hours: fields.Hours
    multiplier: fields.Factor


class RoundingIn(StrictModel):
    """How the length of each entry is rounded; 0 minutes are to the second."""

    minutes: Annotated[int, Field(ge=0, le=60)] = 0
    direction: Direction = Direction.NEAREST


class TaxIn(StrictModel):
    """The tax on what the rule charges, in the categories of EN 16931."""

    category: TaxCategory = TaxCategory.STANDARD
    percent: fields.Factor
    reason: Annotated[str, Field(max_length=500)] | None = None


class _RuleIn(StrictModel):
    project_id: RowId | None = Field(default=None, description="Without one, for the whole client.")
    currency: fields.Currency
    tax: TaxIn
    rounding: RoundingIn = RoundingIn()
    effective_from: fields.Day
    effective_to: fields.Day | None = Field(default=None, description="The last day.")

    def columns(self) -> dict[str, Any]:
        """As the table has it; what a kind of rule has not is null."""
        return {
            **dict.fromkeys(("rate", "fee", "included_hours", "cap_hours")),
            **dict.fromkeys(("overtime_threshold_hours", "overtime_multiplier")),
            "carry_periods": 0,
            "project_id": self.project_id,
            "currency": self.currency,
            "rounding_minutes": self.rounding.minutes,
            "rounding_direction": self.rounding.direction,
            "tax_category": self.tax.category,
            "tax_percent": Decimal(self.tax.percent),
            "tax_reason": self.tax.reason,
            "effective_from": self.effective_from,
            "effective_to": self.effective_to,
        }

    def _minor(self, amount: str) -> int:
        return to_minor(Decimal(amount), self.currency)


class FixedIn(_RuleIn):
    """A month costs a fee, whatever the hours."""

    kind: Literal[RuleKind.FIXED]
    fee: fields.Amount

    def columns(self) -> dict[str, Any]:
        """As the table has it."""
        return super().columns() | {"kind": self.kind, "fee": self._minor(self.fee)}


class HourlyIn(_RuleIn):
    """Time costs a rate; what is above the hours of the cap in a month costs nothing."""

    kind: Literal[RuleKind.HOURLY]
    rate: fields.Amount
    overtime: OvertimeIn | None = None
    cap_hours: fields.Hours | None = None

    def columns(self) -> dict[str, Any]:
        """As the table has it."""
        return super().columns() | _by_the_hour(self) | {"kind": self.kind, "rate": self._minor(self.rate)}


class RetainerIn(_RuleIn):
    """A month costs a fee that includes hours; those above cost the rate, and unused ones can be carried."""

    kind: Literal[RuleKind.RETAINER]
    fee: fields.Amount
    included_hours: fields.Hours
    carry_periods: Annotated[int, Field(ge=0, le=1_000)] = 0
    rate: fields.Amount
    overtime: OvertimeIn | None = None
    cap_hours: fields.Hours | None = None

    def columns(self) -> dict[str, Any]:
        """As the table has it."""
        own = {
            "kind": self.kind,
            "fee": self._minor(self.fee),
            "included_hours": Decimal(self.included_hours),
            "carry_periods": self.carry_periods,
            "rate": self._minor(self.rate),
        }
        return super().columns() | _by_the_hour(self) | own


def _by_the_hour(given: HourlyIn | RetainerIn) -> dict[str, Any]:
    overtime = given.overtime
    return {
        "cap_hours": None if given.cap_hours is None else Decimal(given.cap_hours),
        "overtime_threshold_hours": None if overtime is None else Decimal(overtime.threshold_hours),
        "overtime_multiplier": None if overtime is None else Decimal(overtime.multiplier),
    }


RuleIn = Annotated[FixedIn | HourlyIn | RetainerIn, Field(discriminator="kind")]


class RuleEnd(StrictModel):
    """The last day on which a rule is in force; null for good."""

    effective_to: fields.Day | None

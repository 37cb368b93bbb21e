"""A row of a rule is the rule that is charged by."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.domains.billing.charging.bounds import NEW
from app.domains.billing.charging.errors import IncrementNotAllowed, NumberNotAllowed, UnknownCurrency
from app.domains.billing.charging.rounding import Direction, Rounding
from app.domains.billing.charging.rules import Fixed, Hourly, Overtime, Retainer
from app.domains.billing.charging.taxes import Tax, TaxCategory, TaxReasonMissing
from app.domains.billing.models import BillingRule
from app.domains.billing.stored_rules import rule_of

FACTS: dict[str, Any] = {
    "id": 7,
    "client_id": 1,
    "project_id": 3,
    "currency": "EUR",
    "carry_periods": 0,
    "rounding_minutes": 15,
    "rounding_direction": "up",
    "tax_category": "AE",
    "tax_percent": Decimal(0),
    "tax_reason": "Reverse charge",
    "effective_from": date(2026, 1, 1),
    "effective_to": date(2026, 12, 31),
}
SHARED: dict[str, Any] = {
    "id": 7,
    "project_id": 3,
    "currency": "EUR",
    "tax": Tax(category=TaxCategory.REVERSE_CHARGE, percent=Decimal(0), reason="Reverse charge"),
    "rounding": Rounding(minutes=15, direction=Direction.UP),
    "effective_from": date(2026, 1, 1),
    "effective_to": date(2026, 12, 31),
}
HOURLY: dict[str, Any] = {
    "rate": 90_00,
    "cap_hours": Decimal("40.5"),
    "overtime_threshold_hours": Decimal(8),
    "overtime_multiplier": Decimal("1.5"),
}
OVERTIME = Overtime(threshold_hours=Decimal(8), multiplier=Decimal("1.5"))


def row(kind: str, **facts: Any) -> BillingRule:
    return BillingRule(**FACTS | {"kind": kind} | facts)


def test_each_kind_of_row_is_its_kind_of_rule() -> None:
    by_the_hour: dict[str, Any] = {"rate": 90_00, "cap_hours": Decimal("40.5"), "overtime": OVERTIME}
    included: dict[str, Any] = {"fee": 500_00, "included_hours": Decimal(10), "carry_periods": 2}
    assert rule_of(row("hourly", **HOURLY)) == Hourly(**SHARED, **by_the_hour)
    assert rule_of(row("fixed", fee=500_00)) == Fixed(**SHARED, fee=500_00)
    assert rule_of(row("retainer", **HOURLY, **included)) == Retainer(**SHARED, **by_the_hour, **included)


def test_what_a_row_leaves_out_the_rule_has_not() -> None:
    bare = row("hourly", rate=1, project_id=None, effective_to=None)
    found = rule_of(bare)
    assert isinstance(found, Hourly)
    assert (found.overtime, found.cap_hours, found.project_id, found.effective_to) == (None,) * 4


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        (
            {"rate": -1},
            NumberNotAllowed,
            "The hourly rate of the new rule in minor units of EUR cannot be -1",
        ),
        ({"rate": None}, NumberNotAllowed, "The hourly rate of the new rule"),
        ({"currency": "XXX"}, UnknownCurrency, "The new rule is in 'XXX'"),
        ({"rounding_minutes": 7}, IncrementNotAllowed, "7 minutes"),
        ({"tax_reason": None}, TaxReasonMissing, "category AE"),
    ],
)
def test_a_row_that_is_not_stored_is_checked_as_the_new_rule(
    changed: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error) as caught:
        rule_of(row("hourly", **{"id": None, "rate": 1} | changed))
    assert says in str(caught.value)
    assert rule_of(row("hourly", id=None, rate=1)).id == NEW

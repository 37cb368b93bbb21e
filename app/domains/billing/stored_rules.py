"""Billing rules as rows and as what is charged by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.domains.billing.charging.bounds import NEW
from app.domains.billing.charging.rounding import Direction, Rounding
from app.domains.billing.charging.rules import Fixed, Hourly, Overtime, Retainer
from app.domains.billing.charging.taxes import Tax, TaxCategory
from app.domains.billing.models import BillingRule, RuleKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.domains.billing.charging.rules import Rule


def rule_of(row: BillingRule) -> Rule:
    """The rule that `row` is, stored or not. Raises where it cannot be one, such as for a negative rate."""
    match RuleKind(row.kind):
        case RuleKind.HOURLY:
            return Hourly(**_in_force(row), **_by_the_hour(row))
        case RuleKind.FIXED:
            return Fixed(**_in_force(row), **_columns(row, "fee"))
        case RuleKind.RETAINER:
            included = _columns(row, "fee", "included_hours", "carry_periods")
            return Retainer(**_in_force(row), **_by_the_hour(row), **included)


def rules_of(session: Session, *, client_id: int) -> Sequence[BillingRule]:
    """All rules of a client, by their first days."""
    rows = select(BillingRule).where(BillingRule.client_id == client_id)
    return session.scalars(rows.order_by(BillingRule.effective_from, BillingRule.id)).all()


def _in_force(row: BillingRule) -> dict[str, Any]:
    """What rules of all kinds have."""
    return {
        "id": row.id or NEW,
        "tax": Tax(category=TaxCategory(row.tax_category), percent=row.tax_percent, reason=row.tax_reason),
        "rounding": Rounding(minutes=row.rounding_minutes, direction=Direction(row.rounding_direction)),
        **_columns(row, "project_id", "currency", "effective_from", "effective_to"),
    }


def _by_the_hour(row: BillingRule) -> dict[str, Any]:
    return {"overtime": _overtime(row), **_columns(row, "rate", "cap_hours")}


def _overtime(row: BillingRule) -> Overtime | None:
    if row.overtime_threshold_hours is None or row.overtime_multiplier is None:
        return None
    return Overtime(threshold_hours=row.overtime_threshold_hours, multiplier=row.overtime_multiplier)


def _columns(row: BillingRule, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}

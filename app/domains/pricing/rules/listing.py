"""The rule table in words, as the command line shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.domains.pricing.rules.table import Rule, RuleTable


def rule_rows(table: RuleTable) -> list[dict[str, str]]:
    """Each rule as one row, in the order in which they are tried."""
    rows = [_row(rule, place=category) for category, rules in table.categories.items() for rule in rules]
    return rows + [_row(rule, place="every category") for rule in table.rules]


def floor_rows(table: RuleTable) -> list[dict[str, str]]:
    """Each floor as one row."""
    own = [{"for": category, "floor": f"{floor} %"} for category, floor in table.floors.items()]
    return [*own, {"for": "every other category", "floor": f"{table.default_floor} %"}]


def _row(rule: Rule, *, place: str) -> dict[str, str]:
    days = f"{rule.min_days} to {rule.max_days}" if rule.min_days < rule.max_days else str(rule.min_days)
    return {
        "for": place,
        "rule": rule.name,
        "days_left": days,
        "quantity": _quantity(rule),
        "discount": f"{rule.discount} %",
    }


def _quantity(rule: Rule) -> str:
    if rule.max_quantity is None:
        return "any" if rule.min_quantity == 1 else f"{rule.min_quantity} or more"
    if rule.min_quantity == 1:
        return f"{rule.max_quantity} or less"
    return f"{rule.min_quantity} to {rule.max_quantity}"

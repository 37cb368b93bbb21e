"""Finds rules that can never match, because the rules before them take all their cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domains.pricing.rules.table import Rule


def shadows_of(rules: Sequence[Rule]) -> dict[str, list[str]]:
    """Each unreachable rule by name, with the names of the earlier rules that leave it nothing."""
    found = {}
    for position, rule in enumerate(rules):
        earlier = [other for other in rules[:position] if _overlap(rule, other)]
        if earlier and _is_covered(rule, by=earlier):
            found[rule.name] = [other.name for other in earlier]
    return found


def _overlap(one: Rule, other: Rule) -> bool:
    if one.max_days < other.min_days or other.max_days < one.min_days:
        return False
    return not (_ends_before(one, other.min_quantity) or _ends_before(other, one.min_quantity))


def _ends_before(rule: Rule, quantity: int) -> bool:
    return rule.max_quantity is not None and rule.max_quantity < quantity


def _is_covered(rule: Rule, *, by: Sequence[Rule]) -> bool:
    """Whether `by` together match all that `rule` matches.

    The outcome can only change where some rule begins or has just ended, so trying those points is enough.
    """
    days = {rule.min_days} | {d for other in by for d in (other.min_days, other.max_days + 1)}
    quantities = {rule.min_quantity} | {
        q for other in by for q in (other.min_quantity, (other.max_quantity or 0) + 1)
    }
    return all(
        any(other.matches(days_left=day, quantity=quantity) for other in by)
        for day in days
        for quantity in quantities
        if rule.matches(days_left=day, quantity=quantity)
    )

"""The discount rules as facts, and the price they give a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from app.domains.pricing.money import CENT

WHOLE = Decimal(100)
#: How far ahead recomputing looks unless told otherwise; rules that begin later would never be reached.
DAYS_THRESHOLD = 30


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A discount in percent for batches with so many days left and so many pieces, ends included."""

    name: str
    min_days: int
    max_days: int
    min_quantity: int
    #: None means without limit.
    max_quantity: int | None
    discount: Decimal

    def matches(self, *, days_left: int, quantity: int) -> bool:
        """Whether the rule is for such a batch."""
        if not self.min_days <= days_left <= self.max_days or quantity < self.min_quantity:
            return False
        return self.max_quantity is None or quantity <= self.max_quantity


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a batch costs under a rule. `discount_pct` is the rule's, or less where the floor held."""

    price: Decimal
    discount_pct: Decimal
    rule: str


@dataclass(frozen=True, kw_only=True)
class RuleTable:
    """All rules, in the order in which they are tried, and the floors no price goes below."""

    rules: tuple[Rule, ...]
    categories: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    #: In percent of the base price.
    default_floor: Decimal
    floors: dict[str, Decimal] = field(default_factory=dict)

    def floor_of(self, category: str) -> Decimal:
        """The lowest price in `category`, in percent of the base price."""
        return self.floors.get(category, self.default_floor)

    def rule_for(self, *, category: str, days_left: int, quantity: int) -> Rule | None:
        """The first rule that matches: the category's own, then the general ones."""
        for rules in (self.categories.get(category, ()), self.rules):
            for rule in rules:
                if rule.matches(days_left=days_left, quantity=quantity):
                    return rule
        return None

    def quote(
        self, *, base_price: Decimal, category: str, days_left: int, quantity: int, unit: Decimal = CENT
    ) -> Quote | None:
        """The discounted price in whole `unit`s; None where the base price holds."""
        rule = self.rule_for(category=category, days_left=days_left, quantity=quantity)
        if rule is None or quantity <= 0:
            return None
        floor = self.floor_of(category)
        lowest = (base_price * floor / WHOLE).quantize(unit, rounding=ROUND_CEILING)
        wished = (base_price * (WHOLE - rule.discount) / WHOLE).quantize(unit, rounding=ROUND_HALF_UP)
        price = max(wished, lowest, unit)
        if price >= base_price:
            return None
        return Quote(price=price, discount_pct=min(rule.discount, WHOLE - floor), rule=rule.name)

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.domains.pricing.money import unit_of
from app.domains.pricing.rules.table import Rule, RuleTable
from tests.domains.pricing.shop import RULES

PRICES = st.decimals("0.01", "99999.99", places=2)
PERCENTS = st.decimals("0.0001", "100", places=4)
DAYS = st.integers(-5, 60)
QUANTITIES = st.integers(0, 5000)
CATEGORIES = st.sampled_from(["dairy", "meat", "bakery", "household", "toys"])


@st.composite
def rules(draw: st.DrawFn, name: str) -> Rule:
    first, last = sorted((draw(st.integers(0, 40)), draw(st.integers(0, 40))))
    least = draw(st.integers(1, 500))
    most = draw(st.none() | st.integers(least, 1000))
    return Rule(
        name=name,
        min_days=first,
        max_days=last,
        min_quantity=least,
        max_quantity=most,
        discount=draw(PERCENTS),
    )


@st.composite
def tables(draw: st.DrawFn) -> RuleTable:
    general = [draw(rules(f"general {number}")) for number in range(draw(st.integers(0, 4)))]
    own = [draw(rules(f"dairy {number}")) for number in range(draw(st.integers(0, 3)))]
    return RuleTable(
        rules=tuple(general),
        categories={"dairy": tuple(own)},
        default_floor=draw(PERCENTS),
        floors={"meat": draw(PERCENTS)},
    )


@given(table=tables(), price=PRICES, category=CATEGORIES, days=DAYS, quantity=QUANTITIES)
def test_a_price_lies_between_its_floor_and_the_base_price(
    table: RuleTable, price: Decimal, category: str, days: int, quantity: int
) -> None:
    quote = table.quote(base_price=price, category=category, days_left=days, quantity=quantity)
    if quote is None:
        return
    floor = (price * table.floor_of(category) / 100).quantize(Decimal("0.01"), rounding=ROUND_CEILING)
    assert floor <= quote.price < price
    assert quote.price > 0
    assert quote.price == quote.price.quantize(Decimal("0.01"))


@given(table=tables(), price=PRICES, days=DAYS, quantity=QUANTITIES)
def test_a_category_falls_through_to_the_general_rules(
    table: RuleTable, price: Decimal, days: int, quantity: int
) -> None:
    own = [rule for rule in table.categories["dairy"] if rule.matches(days_left=days, quantity=quantity)]
    found = table.rule_for(category="dairy", days_left=days, quantity=quantity)
    general = table.rule_for(category="toys", days_left=days, quantity=quantity)
    assert found == (own[0] if own else general)


@given(price=PRICES, category=CATEGORIES, quantity=QUANTITIES, days=st.integers(-400, -1))
def test_nothing_past_its_expiry_date_is_discounted(
    price: Decimal, category: str, quantity: int, days: int
) -> None:
    assert RULES.quote(base_price=price, category=category, days_left=days, quantity=quantity) is None


@given(price=PRICES, category=CATEGORIES, days=DAYS)
def test_nothing_that_is_sold_out_is_discounted(price: Decimal, category: str, days: int) -> None:
    assert RULES.quote(base_price=price, category=category, days_left=days, quantity=0) is None


def test_a_price_in_yen_has_whole_yen() -> None:
    quote = RULES.quote(
        base_price=Decimal(999), category="toys", days_left=4, quantity=10, unit=unit_of("JPY")
    )
    assert quote is not None
    assert quote.price == quote.price.to_integral_value()
    assert (unit_of("EUR"), unit_of("JPY"), unit_of("KWD")) == (Decimal("0.01"), Decimal(1), Decimal("0.01"))


def test_dairy_at_four_days_gets_what_other_goods_get() -> None:
    dairy = RULES.quote(base_price=Decimal(10), category="dairy", days_left=4, quantity=10)
    toys = RULES.quote(base_price=Decimal(10), category="toys", days_left=4, quantity=10)
    assert dairy == toys
    assert dairy is not None
    assert dairy.price == Decimal("7.50")


def test_overstock_is_discounted_more_than_the_same_days_without() -> None:
    plenty = RULES.quote(base_price=Decimal(10), category="toys", days_left=5, quantity=300)
    few = RULES.quote(base_price=Decimal(10), category="toys", days_left=5, quantity=3)
    assert plenty is not None
    assert few is not None
    assert plenty.price < few.price
    assert plenty.rule.startswith("overstock")


def test_the_floor_holds_where_a_rule_would_go_below() -> None:
    quote = RULES.quote(base_price=Decimal(10), category="household", days_left=0, quantity=10)
    assert quote is not None
    assert quote.price == Decimal("6.00")
    assert quote.discount_pct == Decimal(40)


def test_a_third_off_keeps_its_decimals() -> None:
    quote = RULES.quote(base_price=Decimal(300), category="bakery", days_left=1, quantity=2)
    assert quote is not None
    assert quote.discount_pct == Decimal("33.3333")
    assert quote.price == Decimal("200.00")

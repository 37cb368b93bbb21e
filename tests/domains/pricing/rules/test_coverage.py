from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.domains.pricing.rules.coverage import shadows_of
from app.domains.pricing.rules.table import Rule
from tests.domains.pricing.shop import RULES

SMALL = st.integers(0, 6)


@st.composite
def small_rules(draw: st.DrawFn) -> list[Rule]:
    made = []
    for number in range(draw(st.integers(1, 5))):
        days = sorted((draw(SMALL), draw(SMALL)))
        pieces = sorted((draw(st.integers(1, 6)), draw(st.integers(1, 6))))
        most = draw(st.sampled_from([None, pieces[1]]))
        made.append(
            Rule(
                name=str(number),
                min_days=days[0],
                max_days=days[1],
                min_quantity=pieces[0],
                max_quantity=most,
                discount=Decimal(10),
            )
        )
    return made


@given(rules=small_rules())
def test_a_rule_is_shadowed_exactly_when_no_case_reaches_it(rules: list[Rule]) -> None:
    reached = set()
    for day in range(8):
        for quantity in range(1, 9):
            matching = [rule.name for rule in rules if rule.matches(days_left=day, quantity=quantity)]
            reached.update(matching[:1])
    assert set(shadows_of(rules)) == {rule.name for rule in rules} - reached


def test_every_packaged_rule_can_be_reached() -> None:
    assert shadows_of(RULES.rules) == {}
    assert all(shadows_of(rules) == {} for rules in RULES.categories.values())

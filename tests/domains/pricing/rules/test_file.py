from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from app.domains.pricing.errors import InvalidRules
from app.domains.pricing.rules.file import PACKAGED, current_rules, load_rules, rules_path
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FLOORS = "floors: {default: 20}\n"
RULE = "  - {name: a, days: {from: 0, to: 3}, discount: 10}\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "rules.yml"
    path.write_text(text)
    return path


def one_rule(old: str = "", new: str = "") -> str:
    """A file with one rule, with `old` replaced."""
    return FLOORS + "rules:\n" + RULE.replace(old, new)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file: Input should be"),
        ("- a\n", "the file: Input should be"),
        ("floors: [\n", "line 2: not usable as YAML"),
        ("rules: []\n", "floors: is missing; add it."),
        (FLOORS + "rulez: []\n", 'rulez: is not a known key. Did you mean "rules"?'),
        ("price_floor: 0.2\n" + FLOORS + "rules: []\n", "price_floor: is not a known key."),
        (one_rule("10}", "130}"), "rules.0.discount: Input should be less than or equal to 100 (it is 130)"),
        (one_rule("10}", "0}"), "rules.0.discount: Input should be greater than 0"),
        (one_rule("10}", "1.23456}"), "no more than 4 decimal places"),
        (one_rule("from: 0", "from: 5"), "rules.0.days: from (5) is above to (3); swap them."),
        (one_rule("from: 0", "fron: 0"), 'rules.0.days.fron: is not a known key. Did you mean "from"?'),
        (one_rule("from: 0, to: 3", "from: 31, to: 40"), "beyond the 30 days"),
        (one_rule("disc", "quantity: {at_least: 9, at_most: 2}, disc"), "at_least (9) is above at_most (2)"),
        (one_rule() + RULE, '2 rules are called "a"'),
        (FLOORS + "categories: {dairy: [], dairy: []}\n", 'the key "dairy" appears 2 times'),
    ],
)
def test_a_mistake_is_named_with_its_field_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidRules, match=re.escape(said)) as caught:
        load_rules(written(tmp_path, text))
    assert str(tmp_path / "rules.yml") in str(caught.value)


def test_a_rule_that_can_never_match_is_refused_by_name(tmp_path: Path) -> None:
    shadowed = "  - {name: overstock, days: {from: 1, to: 2}, quantity: {at_least: 100}, discount: 50}\n"
    with pytest.raises(InvalidRules, match='the rule "overstock" can never match: "a" above it'):
        load_rules(written(tmp_path, FLOORS + "rules:\n" + RULE + shadowed))


def test_the_same_rules_the_other_way_round_are_accepted(tmp_path: Path) -> None:
    special = "  - {name: overstock, days: {from: 1, to: 2}, quantity: {at_least: 100}, discount: 50}\n"
    table = load_rules(written(tmp_path, FLOORS + "rules:\n" + special + RULE))
    assert [rule.name for rule in table.rules] == ["overstock", "a"]


def test_a_shadowed_rule_of_a_category_names_the_category(tmp_path: Path) -> None:
    text = FLOORS + "rules: []\ncategories:\n  dairy:\n" + RULE + RULE.replace("name: a", "name: b")
    with pytest.raises(InvalidRules, match='in dairy the rule "b" can never match'):
        load_rules(written(tmp_path, text))


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidRules, match="Create it or unset GROUNDWORK_PRICING_RULES"):
        load_rules(tmp_path / "none.yml")


def test_the_packaged_rules_are_used_until_the_settings_name_others(
    configure: Callable[..., None], tmp_path: Path
) -> None:
    configure()
    assert settings().pricing_rules is None
    assert rules_path() == PACKAGED
    configure(pricing_rules=written(tmp_path, FLOORS + "rules:\n" + RULE))
    assert [rule.name for rule in current_rules().rules] == ["a"]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path, FLOORS + "rules: []\n")
    assert load_rules(path).rules == ()
    path.write_text(FLOORS + "rules:\n" + RULE)
    assert [rule.name for rule in load_rules(path).rules] == ["a"]

"""For a rehearsal alerts fire and end within seconds: nothing else of them changes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.ansible.monitoring.test_rules import ROOT, RULES, alerts_of_pools, all_rules, promtool
from tests.ansible.preflight import plugin

if TYPE_CHECKING:
    from pathlib import Path

HASTENED = plugin("filter_plugins/hastened_alerts.py", role="monitoring")
#: A number with a unit, or what an age is compared with.
TIME = re.compile(r"(?:(?<=[\[ ])|^)(\d+)([smhd])\b|(?<=> )(\d{2,})(?:\.0)?$", re.MULTILINE)


def texts() -> list[str]:
    """All files of rules."""
    files = [(ROOT / "ansible" / "monitoring" / name).read_text() for name in RULES]
    return [*files, alerts_of_pools("--wait", "bulk=10").stdout]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All rules, hastened."""
    folder = tmp_path_factory.mktemp("hastened")
    for number, text in enumerate(texts()):
        (folder / f"{number}.yml").write_text(HASTENED.hastened_alerts(text, 20))
    return folder


def test_no_time_is_longer_than_asked(folder: Path) -> None:
    promtool("check", "rules", *sorted(path.name for path in folder.iterdir()), folder=folder)
    rules = all_rules(folder)
    assert {rule["for"] for rule in rules if "for" in rule} == {"4s"}
    found = [match.groups() for rule in rules for match in TIME.finditer(rule["expr"])]
    assert len(found) > 15
    assert {(int(count or age), unit) for count, unit, age in found} == {(20, "s"), (20, None)}


def test_nothing_else_of_them_changes(folder: Path) -> None:
    without_numbers = re.compile(r"\d+(?:\.0)?[smhd]?")
    for number, text in enumerate(texts()):
        assert HASTENED.hastened_alerts(text, 0) == text
        hastened = (folder / f"{number}.yml").read_text()
        assert without_numbers.sub("N", hastened) == without_numbers.sub("N", text)


@pytest.mark.parametrize(
    ("given", "hastened"),
    [
        ("    for: 24h", "    for: 4s"),
        ("    for: 3s", "    for: 3s"),
        ("x > 0.8 and y > 2 * z and z >= 50", "x > 0.8 and y > 2 * z and z >= 50"),
        ("x > 300.0", "x > 20"),
        ("rate(x[1h] offset 1d)", "rate(x[20s] offset 20s)"),
    ],
)
def test_a_time_is_told_from_another_number(given: str, hastened: str) -> None:
    assert HASTENED.hastened_alerts(given, 20) == hastened

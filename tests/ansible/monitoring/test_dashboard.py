"""The dashboard for Grafana: what it asks for is told, and it comes with no source of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.ansible.monitoring.exported import exported_names, names_in
from tests.ansible.monitoring.test_rules import ROOT, promtool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DASHBOARD: dict[str, Any] = json.loads((ROOT / "ansible/monitoring/dashboard.json").read_text())
#: Grafana puts a duration in its place.
INTERVAL = "$__rate_interval"


def found(key: str, inside: Any = DASHBOARD) -> Iterator[Any]:
    """The values of every `key`, however deep."""
    if isinstance(inside, dict):
        for name, value in inside.items():
            if name == key:
                yield value
            yield from found(key, value)
    elif isinstance(inside, list):
        for value in inside:
            yield from found(key, value)


@pytest.fixture(scope="module")
def expressions() -> list[str]:
    """What its panels and its marks ask for."""
    return [expression.replace(INTERVAL, "5m") for expression in found("expr")]


@pytest.mark.usefixtures("database")
def test_it_asks_for_nothing_that_the_service_does_not_tell(expressions: list[str]) -> None:
    asked = {name for expression in expressions for name in names_in(expression)}
    assert len(asked) > 10
    assert asked - exported_names() == set()


def test_prometheus_can_read_what_it_asks_for(expressions: list[str], tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", "panels.yml", folder=tmp_path)


def test_it_goes_by_the_source_that_is_chosen_and_has_an_address_that_stays() -> None:
    assert DASHBOARD["uid"] == "groundwork"
    assert "id" not in DASHBOARD
    assert {source["uid"] for source in found("datasource")} == {"${datasource}"}
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )


def test_no_two_panels_lie_on_each_other() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24

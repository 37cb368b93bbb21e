"""Where the wiring says what a variable or a setting is by default, its home says the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from app.settings.config import Settings
from tests.ansible.roles import NAMES, ROLES, read

WIRING = (ROLES.parent / "group_vars/all.yml").read_text()
OPTIONS: dict[str, Any] = {
    name: option["default"]
    for role in NAMES
    for name, option in read(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"].items()
    if "default" in option
}
SETTINGS = {name: field.default for name, field in Settings.model_fields.items()}
#: `name | default(value)`, the name perhaps behind a dot: of the settings, or of another host's variables.
#: An empty text only asks whether there is something.
DEFAULTED = re.compile(r"\b(\w+)\.?(\w+)? \| default\(('[^']+'|\[[\w, ]*\]|[\w.]+|\{\})[,)]")


def restated() -> dict[str, tuple[object, object]]:
    """By name, what the wiring says and what the home says."""
    found: dict[str, tuple[object, object]] = {}
    for owner, inner, literal in DEFAULTED.findall(WIRING):
        name = inner or owner
        homes = [SETTINGS] if inner else [OPTIONS, SETTINGS]
        values = [home[name] for home in homes if name in home and "{{" not in str(home[name])]
        if values:
            found[f"{name} {literal}"] = (yaml.safe_load(literal), values[0])
    return found


RESTATED = restated()


@pytest.mark.parametrize("case", RESTATED)
def test_a_default_is_the_same_in_both_places(case: str) -> None:
    here, home = RESTATED[case]
    assert here == home


def test_the_wiring_is_read_as_it_is_written() -> None:
    names = {case.partition(" ")[0] for case in RESTATED}
    assert {"redis_port", "postgresql_user", "proxy_https_port", "backup_hours"} <= names
    assert {"api_port", "flower_port", "redis_prefix", "soft_shutdown_seconds"} <= names


def test_roles_agree_where_one_follows_another_or_the_settings() -> None:
    listening = f"{SETTINGS['api_host']}:{SETTINGS['api_port']}"
    assert OPTIONS["groundwork_api_address"] == OPTIONS["proxy_api_address"] == listening
    assert OPTIONS["backup_postgresql_name"] == OPTIONS["postgresql_database"]
    wired = yaml.safe_load(WIRING)["groundwork_base_settings"]
    assert OPTIONS["proxy_flower_url_prefix"] == wired["flower_url_prefix"]

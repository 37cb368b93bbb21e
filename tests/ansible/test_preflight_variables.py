"""What preflight says about names and types of variables, before they are used."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.ansible.preflight import VARIABLES, only
from tests.ansible.roles import NAMES, ROLES

OPTIONS = VARIABLES.options_of_roles() | VARIABLES.OF_PLAYBOOKS
WIRED = yaml.safe_load((ROLES.parent / "group_vars/all.yml").read_text())
KNOWN = {*OPTIONS, *WIRED, *VARIABLES.REGISTERED}


def unknown(*names: str) -> list[str]:
    return list(VARIABLES.unknown(names, known=KNOWN))


def type_errors(**values: object) -> list[str]:
    return list(VARIABLES.type_errors(values, options=OPTIONS))


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("groundwork_setting", "groundwork_settings"),
        ("groundwork_release_kept", "groundwork_releases_kept"),
        ("groundwork_pool_setings", "groundwork_pool_settings"),
        ("Groundwork_Settings", "groundwork_settings"),
        ("redis_max_memory_mb", "redis_maxmemory_mb"),
        ("postgres_password", "postgresql_password"),
        ("postgresql_databse", "postgresql_database"),
        ("proxy_server_name", "proxy_server_names"),
        ("backup_hour", "backup_hours"),
        ("logrotate_oncalendar", "logrotate_on_calendar"),
        ("host_ntp_server", "host_ntp_servers"),
        ("grounwork_secrets", "groundwork_secrets"),
        ("groundwork_serials", "groundwork_serial"),
        ("restore_form", "restore_from"),
    ],
)
def test_a_misspelt_variable_is_named_with_the_right_name(name: str, right: str) -> None:
    assert f"There is no variable {name}; did you mean {right}?" in only(unknown(name))


def test_a_variable_like_none_of_ours_is_named_by_its_prefix() -> None:
    assert "There is no variable groundwork_xyzzy" in only(unknown("groundwork_xyzzy"))


def test_variables_of_others_are_left_alone() -> None:
    assert (
        unknown(
            "ansible_host",
            "__groundwork_secrets",
            "groups",
            "hostvars",
            "inventory_dir",
            "ntp_server",
            "my_color",
            "backups",
        )
        == []
    )


def test_every_variable_that_playbooks_and_roles_use_is_known() -> None:
    modules = {
        path.stem
        for kind in ("library", "action_plugins", "filter_plugins")
        for path in ROLES.glob(f"*/{kind}/*.py")
    }
    files = [
        *ROLES.parent.glob("*.yml"),
        *ROLES.parent.glob("group_vars/*.yml"),
        *ROLES.glob("*/tasks/*.yml"),
    ]
    pattern = re.compile(rf"(?<![\w/.-])(?:{'|'.join([*NAMES, 'restore'])})_[a-z0-9_]+\b(?![-/:.])")
    used = {
        name for file in files for line in _expressions(file.read_text()) for name in pattern.findall(line)
    }
    assert used - KNOWN - modules == set()


def _expressions(text: str) -> list[str]:
    return re.findall(r"\{\{.*?\}\}", text, re.DOTALL)


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("groundwork_releases_kept", "five", "a whole number, zero or more"),
        ("groundwork_releases_kept", True, "a whole number"),
        ("groundwork_releases_kept", None, "a whole number"),
        ("groundwork_releases_kept", -1, "a whole number, zero or more"),
        ("groundwork_soak_seconds", "21s", "a whole number"),
        ("groundwork_flower_enabled", "maybe", "true or false"),
        ("groundwork_settings", "retention_days=30", "names with values"),
        ("groundwork_settings", [], "names with values"),
        ("redis_bind", "127.0.0.1", "a list, each item text"),
        ("redis_tls", "false", "true or false"),
        ("groundwork_settings", None, "names with values"),
        ("groundwork_serial", "all", "a list of numbers of hosts or shares of them"),
        ("groundwork_serial", [0], "a list of numbers of hosts or shares of them"),
        ("groundwork_backup_enabled", "sometimes", "true or false"),
        ("backup_hours", ["three"], "a list, each item a whole number"),
        ("backup_hours", [3, -1], "a list, each item a whole number"),
        ("redis_port", "6379a", "a whole number"),
        ("redis_save", [{"seconds": "x", "changes": 1}], "a list"),
        ("postgresql_random_page_cost", "cheap", "a number"),
        ("proxy_server_names", {"a": 1}, "a list"),
        ("host_least_disk_mb", "2 GB", "a whole number"),
        ("backup_database", "mysql", "one of "),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_what_it_takes(name: str, value: object, takes: str) -> None:
    said = only(type_errors(**{name: value}))
    assert said.startswith(f"{name} is ")
    assert takes in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("groundwork_releases_kept", "5"),
        ("groundwork_flower_enabled", "no"),
        ("groundwork_serial", [1, "50%"]),
        ("groundwork_serial", 2),
        ("groundwork_settings", {}),
        ("postgresql_log_statements_over_ms", -1),
        ("groundwork_force_unlock", "true"),
        ("redis_tls_certificate", ""),
    ],
)
def test_what_ansible_takes_is_taken(name: str, value: object) -> None:
    assert type_errors(**{name: value}) == []


def test_all_defaults_are_of_their_type() -> None:
    defaults = {name: option["default"] for name, option in OPTIONS.items() if "default" in option}
    assert type_errors(**{name: value for name, value in defaults.items() if "{{" not in str(value)}) == []


@pytest.mark.parametrize("name", ["redis_app_password", "postgresql_password", "groundwork_secret_key"])
def test_a_secret_of_the_wrong_type_is_not_shown(name: str) -> None:
    assert "hunter2" not in only(type_errors(**{name: {"value": "hunter2"}}))


def without_effect(given: dict[str, Any], **variables: object) -> list[str]:
    wired = {"redis_bind": "{{ wired }}"}
    return list(VARIABLES.without_effect(given, wired=wired, variables={**wired, **variables}))


def test_what_the_wiring_wins_over_is_named() -> None:
    assert only(without_effect({"redis_bind": ["10.0.0.1"]})).startswith("redis_bind has no effect")


def test_what_wins_over_the_wiring_has_its_effect() -> None:
    assert without_effect({"redis_bind": ["10.0.0.1"]}, redis_bind=["10.0.0.2"]) == []
    assert without_effect({"my_variable": 1}) == []


def test_what_is_heard_on_the_command_line_alone_is_named_in_an_inventory() -> None:
    given = ["groundwork_serial", "groundwork_settings"]
    assert "groundwork_serial has no effect" in only(list(VARIABLES.not_heard(given, command_line=[])))
    assert list(VARIABLES.not_heard(given, command_line=["groundwork_serial"])) == []
    assert list(VARIABLES.not_heard([], command_line=[])) == []

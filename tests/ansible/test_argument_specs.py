"""What an operator may set is declared once: the defaults of a role and its argument_specs say the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ansible.roles import NAMES, ROLES, read

#: What a role keeps to itself begins so.
PRIVATE = "__"


def options(role: str) -> dict[str, dict[str, Any]]:
    """The options of the main entry point."""
    declared: dict[str, dict[str, Any]] = read(role, "meta/argument_specs.yml")["argument_specs"]["main"][
        "options"
    ]
    return declared


@pytest.mark.parametrize("role", NAMES)
def test_every_default_is_declared_and_every_declared_default_is_one(role: str) -> None:
    declared = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert read(role, "defaults/main.yml") == declared


@pytest.mark.parametrize("role", NAMES)
def test_an_option_without_a_default_must_be_given(role: str) -> None:
    assert [
        name
        for name, option in options(role).items()
        if "default" not in option and not option.get("required")
    ] == []


@pytest.mark.parametrize("role", NAMES)
def test_every_option_says_what_it_is(role: str) -> None:
    assert [name for name, option in options(role).items() if not option.get("description")] == []


@pytest.mark.parametrize("role", NAMES)
def test_variables_bear_the_name_of_their_role(role: str) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role}_")] == []
    assert [name for name in read(role, "vars/main.yml") if not name.startswith(f"{PRIVATE}{role}_")] == []


@pytest.mark.parametrize("role", NAMES)
def test_a_secret_is_not_logged(role: str) -> None:
    secret = {
        name for name in options(role) if name.endswith(("_password", "_key")) and not name.endswith("_file")
    }
    assert [name for name in secret if not options(role)[name].get("no_log")] == []


@pytest.mark.parametrize("role", NAMES)
def test_the_main_file_is_a_table_of_contents(role: str) -> None:
    assert len((ROLES / role / "tasks/main.yml").read_text().splitlines()) <= 40


@pytest.mark.parametrize("role", NAMES)
def test_templates_lie_where_their_files_go(role: str) -> None:
    top = {path.name for path in (ROLES / role / "templates").glob("*")}
    assert top <= {"etc", "usr", "var"}

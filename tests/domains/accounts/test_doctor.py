"""The doctor says when no password can be chosen because the list of breached ones is no good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.domains.accounts.doctor import the_breached_list_can_be_searched
from app.health.doctor.finding import Level

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_no_list_and_a_good_list_are_well(configure: Callable[..., None], tmp_path: Path) -> None:
    configure()
    assert the_breached_list_can_be_searched().level is Level.OK
    (tmp_path / "list").write_text("0" * 40 + ":7\n")
    configure(breached_passwords=tmp_path / "list")
    assert str(tmp_path / "list") in the_breached_list_can_be_searched().sentence


@pytest.mark.parametrize(
    ("name", "problem"), [("nowhere", "No such file"), ("", "Is a directory"), ("text", "no SHA-1")]
)
def test_a_list_that_is_none_is_a_problem(
    configure: Callable[..., None], tmp_path: Path, name: str, problem: str
) -> None:
    (tmp_path / "text").write_text("not a list\n")
    configure(breached_passwords=tmp_path / name)
    found = the_breached_list_can_be_searched()
    assert found.level is Level.PROBLEM
    assert problem in found.sentence
    assert str(tmp_path) in found.sentence

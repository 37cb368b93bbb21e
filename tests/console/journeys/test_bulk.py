"""Somebody acts on all jobs that match: chooses them, sees how many, says why, begins, and stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.console.journeys import world
from tests.console.journeys.accessibility import violations

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.console.journeys.window import Window


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_jobs_are_chosen_and_shown_before_anything_is_done_to_them(
    window: Callable[..., Window], scripts: bool
) -> None:
    someone = window(java_script_enabled=scripts)
    someone.sign_in(world.ADMIN)
    page = someone.open("/console/jobs?state=dead")
    page.get_by_role("button", name="Discard all that match").click()
    page.wait_for_url("**/console/bulk/*")
    assert page.get_by_role("heading", name="Discard many dead jobs").is_visible()
    assert page.get_by_text("what comes later is left alone").is_visible()
    if scripts:
        assert violations(page) == []
    page.get_by_label("Why").fill("Nobody waits for them.")
    page.get_by_label("At most so many").fill("1")
    page.get_by_label("in a").select_option("minute")
    page.get_by_role("button", name="Discard them").click()
    page.get_by_text("▶ runs").wait_for()
    assert page.get_by_text("at most 1 a minute").is_visible()
    page.get_by_role("button", name="Stop it").click()
    page.get_by_text("stopped by").wait_for()
    page.get_by_role("link", name="What was done to many jobs").click()
    assert page.get_by_role("heading", name="What was done to many jobs").is_visible()

"""What people do first and last in a real browser: sign in, look, sign out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.db.sessions import transaction
from app.domains.accounts.links import signing_in
from tests.console.browser import OVERVIEW, SIGN_IN
from tests.console.journeys import world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.console.journeys.window import Window


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_somebody_signs_in_looks_and_signs_out(window: Callable[..., Window], scripts: bool) -> None:
    anyone = window(java_script_enabled=scripts)
    page = anyone.open(OVERVIEW)
    assert page.title() == "Sign in · Groundwork"
    anyone.sign_in(world.VIEWER)
    assert page.title() == "Overview · Groundwork"
    assert page.get_by_role("heading", name="Balance of the ledger").is_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"**{SIGN_IN}")
    anyone.open(OVERVIEW)
    assert page.title() == "Sign in · Groundwork"


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_somebody_signs_in_with_a_link_once(window: Callable[..., Window], scripts: bool) -> None:
    with transaction() as session:
        token = signing_in.make(session, email=world.VIEWER, made_by="root")
    path = signing_in.address_of(token, console="")
    page = window(java_script_enabled=scripts).open(path)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{OVERVIEW}")
    assert page.title() == "Overview · Groundwork"
    late = window()
    late.page.goto(path)
    assert "was used before" in late.page.get_by_role("alert").inner_text()
    assert [problem for problem in late.problems if "422" not in problem] == []
    late.problems.clear()


def test_a_wrong_password_is_said_and_what_was_asked_for_is_not_forgotten(
    window: Callable[..., Window],
) -> None:
    stranger = window()
    page = stranger.open(f"{OVERVIEW}?seen=1")
    page.get_by_label("Address").fill(world.VIEWER)
    page.get_by_label("Password").fill("wrong rivers run")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert "The address or the password is wrong" in page.get_by_role("alert").inner_text()
    # That the answer was no is for the browser's console as well.
    assert [problem for problem in stranger.problems if "401" not in problem] == []
    stranger.problems.clear()
    assert page.get_by_label("Address").input_value() == world.VIEWER
    stranger.type_password()
    page.wait_for_url("**/console?seen=1")


def test_the_keyboard_is_enough(window: Callable[..., Window]) -> None:
    someone = window()
    page = someone.sign_in(world.VIEWER)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")

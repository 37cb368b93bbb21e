"""The console by the keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.console.browser import OVERVIEW

if TYPE_CHECKING:
    from tests.console.journeys.window import Window

QUEUES = "/console/queues"


def test_keys_lead_to_pages_and_are_listed(admin: Window) -> None:
    page = admin.open(OVERVIEW)
    page.keyboard.type("gq")
    page.wait_for_url(f"**{QUEUES}")
    page.keyboard.type("go")
    page.wait_for_url(f"**{OVERVIEW}")
    page.keyboard.type("?")
    listed = page.get_by_role("dialog", name="Keys")
    assert "Queues" in listed.inner_text()
    # A list that is open takes no keys.
    page.keyboard.type("gq")
    page.keyboard.press("Escape")
    assert listed.is_hidden()
    assert page.url.endswith(OVERVIEW)


def test_keys_can_be_switched_off_for_good(admin: Window) -> None:
    page = admin.open(OVERVIEW)
    for _ in range(2):
        page.get_by_role("button", name="Keys").click()
        page.get_by_label("Use these keys").click()
        page.get_by_role("button", name="Close").click()
        page.reload()
        page.keyboard.type("?")
        is_open = page.get_by_role("dialog", name="Keys").is_visible()
        assert is_open is page.evaluate("localStorage.getItem('groundwork.keys') === 'on'")
        page.keyboard.press("Escape")
    assert is_open

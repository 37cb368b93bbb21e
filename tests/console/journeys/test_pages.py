"""Every page, in a real browser: for everybody, at any width, and without a word of the browser's console."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.routing import iter_route_contexts

from app.console.door import create_pages
from tests.console.browser import OVERVIEW, SIGN_IN
from tests.console.journeys import world
from tests.console.journeys.accessibility import CONTRAST, violations

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.console.journeys.window import Window

MAX_REQUESTS, MAX_BYTES = 5, 120 * 1024
PHONE, DESK = 360, 1280
#: Of a window of 1280 pixels at 200 %, so much is left.
ZOOMED = DESK // 2


def pages() -> list[str]:
    """Every path that a browser may be sent to, with an example of those that have parameters."""
    routes = iter_route_contexts(create_pages().routes)
    paths = {route.path or "" for route in routes if "GET" in (route.methods or ())}
    # Files are downloaded, and not shown.
    return sorted(world.EXAMPLES.get(path, path) for path in paths if not path.endswith((".json", ".txt")))


@pytest.mark.parametrize("path", pages())
def test_a_page_is_for_everybody(admin: Window, path: str) -> None:
    assert "{" not in path, f"Give an example of {path} in tests/console/journeys/world.py."
    page = admin.open(path)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (PHONE, DESK):
            admin.resize(width)
            rules = None if scheme == "light" else CONTRAST
            assert violations(page, rules=rules) == [], (scheme, width)
    for width in (PHONE, ZOOMED, DESK):
        admin.resize(width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_first_visit_is_small(window: Callable[..., Window]) -> None:
    visitor = window()
    visitor.open(OVERVIEW)
    assert visitor.page.url.endswith(SIGN_IN)
    assert_small(visitor)
    visitor.sign_in(world.VIEWER)
    guest = window(storage_state=visitor.page.context.storage_state())
    guest.open(OVERVIEW)
    assert guest.page.url.endswith(OVERVIEW)
    assert_small(guest)


def assert_small(first: Window) -> None:
    assert 1 < len(first.responses) <= MAX_REQUESTS
    # Of a redirect, a browser keeps no body.
    assert sum(len(answer.body()) for answer in first.responses if answer.status < 300) <= MAX_BYTES

"""Pages that stay open follow what happens, and leave alone what somebody does with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.console.assets import url_of
from app.jobs.ledger.models import State
from tests.console.browser import OVERVIEW
from tests.console.journeys import world
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Route

    from tests.console.journeys.window import Window

pytestmark = pytest.mark.usefixtures("ledger")
EVERY = 1_200
BEFORE = """
<tr id="row-a"><td>a</td><td><input aria-label="a"></td></tr>
<tr id="row-b"><td>b</td><td><details><summary>more</summary>old</details></td></tr>
"""
AFTER = """
<tr id="row-new"><td>new</td><td></td></tr>
<tr id="row-b" class="changed"><td>b2</td><td><details><summary>more</summary>new</details></td></tr>
"""


@pytest.fixture
def overview(admin: Window) -> Iterator[Page]:
    """The overview, whose time passes when a test says so."""
    admin.page.clock.install()
    page = admin.open(OVERVIEW)
    yield page
    page.clock.resume()


def pass_time(page: Page, milliseconds: int = EVERY) -> None:
    """Until then, and until what was asked for by then has been answered."""
    with page.expect_response(lambda answer: "groundwork-live" in answer.request.headers):
        page.clock.run_for(milliseconds)


def follow(page: Page, *, to: int) -> None:
    """Let time pass until so many dead jobs are shown: the service shares its looks for a second."""

    def is_shown() -> bool:
        pass_time(page)
        return dead(page) == to

    wait_until(is_shown, seconds=20, what=f"{to} dead jobs are shown")


def dead(page: Page) -> int:
    return int(page.locator("#ledger dt:text-is('Dead') + dd").inner_text())


def test_what_happens_is_shown_and_what_changes_its_state_is_said(overview: Page) -> None:
    before = dead(overview)
    overview.get_by_role("button", name="Keys").focus()
    overview.evaluate("window.scrollTo(0, 100)")
    world.add_job(State.DEAD)
    follow(overview, to=before + 1)
    assert f"{before + 1} dead jobs" in (overview.locator("#announcer").text_content() or "")
    assert overview.evaluate("[scrollY, document.activeElement.id]") == [100, "show-keys"]


def test_what_is_marked_is_left_until_it_is_not_any_more(overview: Page) -> None:
    before = dead(overview)
    overview.evaluate("getSelection().selectAllChildren(document.querySelector('#ledger dl'))")
    world.add_job(State.DEAD)
    pass_time(overview)
    overview.locator("#live:text-is('Waits while you use it')").wait_for()
    assert dead(overview) == before
    overview.evaluate("getSelection().removeAllRanges()")
    follow(overview, to=before + 1)
    overview.locator("#live:text-is('Live')").wait_for()


def test_who_does_not_answer_is_asked_less_often(admin: Window, overview: Page) -> None:
    overview.route(f"**{OVERVIEW}", lambda route: route.fulfill(status=503))
    for times in (1, 2):
        pass_time(overview, times * EVERY)
        said = f"No answer; asked again every {2 * times * EVERY / 1_000:g} s"
        overview.locator(f"#live:text-is('{said}')").wait_for()
    overview.unroute(f"**{OVERVIEW}")
    pass_time(overview, 4 * EVERY)
    overview.locator("#live:text-is('Live')").wait_for()
    assert [problem for problem in admin.problems if "503" not in problem] == []
    admin.problems.clear()


def test_a_page_that_nobody_sees_asks_for_nothing(admin: Window, overview: Page) -> None:
    overview.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    overview.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    admin.responses.clear()
    overview.clock.run_for(10 * EVERY)
    assert overview.evaluate("1") == 1  # (what was asked for would have been answered before)
    assert admin.responses == []
    overview.evaluate("delete document.hidden")
    with overview.expect_response(f"**{OVERVIEW}"):
        overview.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_rows_keep_who_they_are_and_what_is_open_or_typed_in_them(admin: Window, overview: Page) -> None:
    served = [BEFORE]

    def serve(route: Route) -> None:
        script = f'<script src="{url_of("live.js")}" defer></script>'
        table = f'<main><table><tbody id="rows" data-live>{served[0]}</tbody></table></main>'
        body = f'<!doctype html><p id="live"></p><p id="announcer"></p>{table}{script}'
        route.fulfill(body=body, content_type="text/html")

    path = f"{OVERVIEW}/made-up"
    overview.route(f"**{path}", serve)
    admin.open(path)
    overview.evaluate("window.kept = document.getElementById('row-b')")
    overview.get_by_label("a").fill("typed")
    served[0] = BEFORE.replace("<td>a</td>", "<td>a2</td>")
    pass_time(overview)
    overview.locator("#live:text-is('Waits while you use it')").wait_for()
    overview.get_by_label("a").blur()
    pass_time(overview)
    overview.get_by_text("a2").wait_for()
    assert overview.get_by_label("a").input_value() == "typed"
    overview.locator("summary").click()
    overview.locator("summary").blur()
    overview.mouse.move(0, 0)
    served[0] = AFTER
    pass_time(overview)
    overview.get_by_text("b2").wait_for()
    assert overview.locator("tr").evaluate_all("rows => rows.map(row => row.id)") == ["row-new", "row-b"]
    assert overview.evaluate("kept === document.getElementById('row-b') && kept.className") == "changed"
    assert overview.locator("details").get_attribute("open") is not None
    assert overview.locator("details").inner_text().endswith("new")


def test_a_session_that_ended_is_said(overview: Page) -> None:
    (kept,) = overview.context.cookies()
    overview.context.clear_cookies()
    overview.clock.run_for(EVERY)
    overview.locator("#live:text-is('No longer live: reload the page.')").wait_for()
    overview.context.add_cookies([{"name": kept["name"], "value": kept["value"], "url": overview.url}])

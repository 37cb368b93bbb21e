"""Pages look as they did when somebody last looked at them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Literal

import pytest

from tests.conftest import configured
from tests.console.browser import browser, sign_in
from tests.console.journeys import pictures, world
from tests.console.journeys.test_pages import DESK, PHONE, pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route
    from starlette.testclient import TestClient

    from tests.servers import RedisServer

HOST = "http://testserver"
#: Of each kind of window, one scheme of colours: which are whose is one part of the style for all widths.
LOOKS: dict[str, tuple[Literal["light", "dark"], int]] = {"desk": ("light", DESK), "phone": ("dark", PHONE)}


@pytest.fixture(scope="module")
def admin(
    sqlite_template: Path, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """An admin's browser as far as the service sees it, with data that no other test changes."""
    folder = tmp_path_factory.mktemp("pictures")
    database = shutil.copyfile(sqlite_template, folder / "groundwork.db")
    # What is in quarantine is in the broker: not in that of the other journeys.
    apart = f"{redis_server.url.removesuffix('/0')}/1"
    with configured(folder, database_url=f"sqlite:///{database}", redis_url=apart):
        world.fill()
        client = browser()
        assert sign_in(client, world.ADMIN).status_code == 303
        yield client


@pytest.fixture(scope="module")
def window(chromium: Browser, admin: TestClient) -> Iterator[Page]:
    """What the admin sees; nothing on a page changes by itself."""
    context = chromium.new_context(
        base_url=HOST,
        java_script_enabled=False,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )

    def serve(route: Route) -> None:
        answer = admin.get(route.request.url.removeprefix(HOST))
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)

    context.route("**/*", serve)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("path", pages())
def test_a_page_looks_as_it_did(window: Page, tmp_path: Path, path: str, look: str) -> None:
    scheme, width = LOOKS[look]
    window.set_viewport_size({"width": width, "height": 600})
    window.emulate_media(color_scheme=scheme)
    window.goto(path)
    picture = pictures.taken(window)
    file = pictures.FOLDER / look / f"{name_of(path)}.png"
    if os.environ.get(pictures.RENEW):
        pictures.keep(picture, file)
    pictures.compare(picture, file, seen=tmp_path / "seen.png")


def name_of(path: str) -> str:
    """What the picture of a page is called: as its path, without what it is asked."""
    return path.partition("?")[0].strip("/").replace(world.DEAD_JOB, "job").removeprefix("console/")

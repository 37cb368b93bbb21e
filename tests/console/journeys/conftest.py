"""One browser and one service for all journeys of a process."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.conftest import configured
from tests.console.journeys import world
from tests.console.journeys.chromium import launched
from tests.console.journeys.window import Window
from tests.http.test_gunicorn_worker import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.http.test_gunicorn_worker import Server
    from tests.servers import RedisServer


@pytest.fixture(scope="package")
def settings(
    sqlite_template: Path, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, object]:
    """Those of the service."""
    database = shutil.copyfile(sqlite_template, tmp_path_factory.mktemp("console") / "groundwork.db")
    return {"database_url": f"sqlite:///{database}", "redis_url": redis_server.url}


@pytest.fixture(scope="package")
def service(settings: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service with what `world` makes."""
    folder = tmp_path_factory.mktemp("service")
    with configured(folder, **settings):
        world.fill()
    with running(folder, **settings) as server:
        yield server


@pytest.fixture
def ledger(service: Server, settings: dict[str, object], tmp_path: Path) -> Iterator[None]:
    """That of the service, for a test to change."""
    with configured(tmp_path, **settings):
        yield


@pytest.fixture(scope="package")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """It ends with the package: while it runs, no event loop can be started in this thread."""
    with launched(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def window(chromium: Browser, service: Server) -> Iterator[Callable[..., Window]]:
    """Opens windows; nothing may have gone wrong in any."""
    opened: list[Window] = []

    def open_one(**options: object) -> Window:
        opened.append(Window(chromium, url=service.url, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
    assert [problem for one in opened for problem in one.problems] == []


@pytest.fixture(scope="package")
def _signed_in(chromium: Browser, service: Server) -> Iterator[Window]:
    window = Window(chromium, url=service.url)
    window.sign_in(world.ADMIN)
    yield window
    window.close()


@pytest.fixture
def admin(_signed_in: Window) -> Iterator[Window]:
    """The window of an admin who has signed in, as wide as a desk is."""
    _signed_in.resize(1280)
    _signed_in.problems.clear()
    yield _signed_in
    assert _signed_in.problems == []

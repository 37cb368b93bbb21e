"""What holds for every page: headers, where forms may come from, and who sees it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from fastapi.routing import iter_route_contexts

from app.console import assets
from app.console.door import create_pages
from app.console.places import OPEN
from app.domains.accounts.roles import Role
from app.http.routing import doors
from tests.api_client import anonymous
from tests.console.browser import HERE, OVERVIEW, SIGN_IN, SIGN_OUT, browser, signed_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine
    from starlette.testclient import TestClient

pytestmark = pytest.mark.databases("sqlite")
MANY = "/console/" + "x" * 10_000


def all_routes() -> list[tuple[str, str]]:
    """Every method and path of the console, with something in the place of parameters."""
    return sorted(
        (method, (route.path or "").replace("{", "").replace("}", ""))
        for route in iter_route_contexts(create_pages().routes)
        for method in route.methods or ()
        if method != "HEAD"
    )


def test_every_answer_keeps_the_browser_from_doing_more_than_show_it(database: Engine) -> None:
    client = signed_in(Role.ADMIN)
    answers = [
        client.request(method, path, headers=HERE) for method, path in all_routes() if path != SIGN_OUT
    ]
    answers += [
        client.get(path) for path in ("/console/nowhere", MANY, "/console/static/x.css", "/console/%00")
    ]
    answers += [
        client.post(OVERVIEW, headers=HERE),
        client.post(SIGN_IN),
        client.post(SIGN_OUT, headers=HERE),
    ]
    answers += [browser().get(OVERVIEW)]
    for answer in answers:
        policy = answer.headers.get_list("Content-Security-Policy")
        assert len(policy) == 1, answer.url
        assert "unsafe" not in policy[0]
        assert policy[0].startswith("default-src 'none';")
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script(?! src=\"/console/static/)|<style|\sstyle=|\son\w+=", answer.text)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://testserver:8080"}, 403),
        ({"Origin": "http://testserver"}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
    ],
)
def test_a_form_of_another_page_does_nothing(database: Engine, headers: dict[str, str], status: int) -> None:
    client = signed_in()
    assert client.post(SIGN_OUT, headers=headers).status_code == status
    assert client.get(OVERVIEW).status_code == (303 if status == 303 else 200)


def test_each_role_sees_what_it_may_and_a_viewer_changes_nothing(database: Engine) -> None:
    own = (*OPEN, SIGN_OUT, "/console/views")
    writes = [path for method, path in all_routes() if method != "GET" and not path.startswith(own)]
    viewer = signed_in(Role.VIEWER)
    for path in writes:
        assert viewer.post(path, headers=HERE).status_code == 403, path
    assert viewer.get(OVERVIEW).status_code == 200
    for role in (Role.OPERATOR, Role.ADMIN):
        client = signed_in(role)
        for method, path in all_routes():
            if path != SIGN_OUT:
                assert client.request(method, path, headers=HERE).status_code not in (303, 403), path


def test_a_stranger_sees_the_sign_in_alone(database: Engine) -> None:
    client = browser()
    for method, path in all_routes():
        if path not in OPEN:
            assert client.request(method, path, headers=HERE).status_code == 303, path
    assert client.get("/console/nowhere").status_code == 303


def test_every_route_but_those_of_the_sign_in_asks_for_a_scope(database: Engine) -> None:
    for door in doors(create_pages()).all:
        assert door.asks or door.path in OPEN, door.path


@pytest.mark.parametrize(
    ("name", "media_type", "most"),
    [
        ("console.css", "text/css", 15 * 1024),
        ("live.js", "text/javascript", 4 * 1024),
        ("keys.js", "text/javascript", 4 * 1024),
    ],
)
def test_files_are_small_and_called_by_their_content_and_kept(
    database: Engine, name: str, media_type: str, most: int
) -> None:
    url = assets.url_of(name)
    found = browser().get(url)
    assert (found.status_code, found.headers["Content-Type"]) == (200, f"{media_type}; charset=utf-8")
    assert "immutable" in found.headers["Cache-Control"]
    assert len(found.content) <= most
    assert f'="{url}"' in signed_in().get(OVERVIEW).text


def test_of_other_files_nothing_is_told(database: Engine) -> None:
    client = browser()
    for unknown in ("console.css", "console.000000000000.css", "../door.py", "", "%2e%2e/door.py"):
        assert client.get(f"/console/static/{unknown}").status_code in (404, 303), unknown
    assert client.get("/console/static/console.css").status_code == 404
    assert client.post(assets.url_of("console.css"), headers=HERE).status_code == 405


def test_what_is_not_the_consoles_is_the_apis(database: Engine) -> None:
    for path in ("/", "/consolex", "/api/v1/jobs"):
        answer = anonymous().get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "missing_token")


def test_an_error_that_nobody_foresaw_is_a_page(
    database: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = signed_in()

    def fail() -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("app.console.figures.look", fail)
    answer = client.get(OVERVIEW)
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "Its log has it" in answer.text
    assert "secret of the house" not in answer.text
    assert answer.headers["X-Request-ID"] in answer.text


def test_a_database_that_is_away_is_said(database: Engine, configure: Callable[..., None]) -> None:
    client: TestClient = browser()
    client.cookies["groundwork_session"] = "gws_" + "x" * 43
    configure(database_url="postgresql://nobody@127.0.0.1:1/none")
    answer = client.get(OVERVIEW)
    assert (answer.status_code, "The database does not answer" in answer.text) == (503, True)
    assert answer.headers["Retry-After"] == "5"

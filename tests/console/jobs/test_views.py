"""Saved views: everybody has their own, operators share some, and no name does anything."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.console.views import service
from app.console.views.models import SavedView
from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from tests.console.browser import HERE, signed_in
from tests.console.jobs.test_acts import noted
from tests.console.jobs.test_lists import HOSTILE, JOBS, dead, ids_on, link

if TYPE_CHECKING:
    from httpx import Response
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

VIEWS = "/console/views"


def send(client: TestClient, path: str = VIEWS, **form: str) -> Response:
    answer: Response = client.post(path, data=form or {"x": ""}, headers=HERE)
    return answer


def save(client: TestClient, name: str, filters: str = "state=dead", **more: str) -> Response:
    return send(client, name=name, filters=filters, **more)


def named(client: TestClient) -> list[str]:
    """The names on the page of views."""
    page = client.get(VIEWS)
    assert page.status_code == 200, page.text
    return [unescape(name) for name in re.findall(r' id="v\d+">([^<]*)</a>', page.text)]


def test_a_list_is_saved_once_under_a_name_and_leads_back_to_its_jobs(database: Engine) -> None:
    jobs = dead()
    client = signed_in()
    page = client.get(JOBS, params={"state": "dead", "error": "KeyError: 'x'"}).text
    filters = re.search(r'name="filters" value="([^"]*)">\s*<label>Save', page)
    assert filters
    for _ in range(2):
        answer = save(client, " Mine ", unescape(filters[1]))
        assert (answer.status_code, answer.headers["Location"]) == (303, VIEWS)
    assert named(client) == ["Mine"]
    assert ids_on(client.get(link(client.get(VIEWS).text, "Mine") or "").text) == jobs
    assert [one["title"] for one in noted()] == ["Save a view"]


def test_a_view_is_its_owners_and_shared_by_operators(database: Engine) -> None:
    operator, viewer = signed_in(), signed_in(Role.VIEWER)
    save(operator, "Own")
    save(operator, "Team", shared="1")
    assert save(viewer, "Mine").status_code == 303
    assert save(viewer, "Team", shared="1").status_code == 403
    assert (named(operator), named(viewer)) == (["Own", "Team"], ["Mine", "Team"])
    assert 'name="shared"' not in viewer.get(JOBS, params={"state": "dead"}).text
    for act in ("rename", "delete"):
        for view_id in (1, 2, 4711):
            assert send(viewer, f"{VIEWS}/{view_id}/{act}", name="x").status_code == 404
    assert named(operator) == ["Own", "Team"]


def test_a_view_is_renamed_and_deleted_with_what_it_was_before(database: Engine) -> None:
    client = signed_in()
    for name in ("One", "Two"):
        save(client, name)
    taken = send(client, f"{VIEWS}/1/rename", name="Two")
    assert (taken.status_code, "another view called Two" in taken.text) == (409, True)
    assert save(client, "Two", "state=ready").status_code == 409
    for _ in range(2):
        assert send(client, f"{VIEWS}/1/rename", name="Three").status_code == 303
    assert send(client, f"{VIEWS}/2/delete").status_code == 303
    assert named(client) == ["Three"]
    changes = [one["arguments"] for one in noted() if one["title"] != "Save a view"]
    assert changes == [{"before": "One", "after": "Three"}, {"before": "Two"}]


def test_what_no_view_can_be_is_said(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in()
    for name, sentence in (
        ("", "a name is missing"),
        (" \u200b ", "no visible character"),
        ("x" * 61, "may have 60"),
        ("x" * 10_000, "may have 60"),
        ("a\x00b", "control character"),
        (HOSTILE, "control character"),
    ):
        answer = save(client, name)
        assert (answer.status_code, sentence in unescape(answer.text)) == (422, True), name
    assert save(client, "x", "colour=red").status_code == 422
    assert named(client) == []
    for name in ("<img src=x onerror=alert(1)>", "Заказы 注文", "'; DROP TABLE job; --"):
        assert save(client, name).status_code == 303
    assert "<img" not in client.get(VIEWS).text
    assert "Заказы 注文" in named(client)
    monkeypatch.setattr(service, "MAX_OWN", 3)
    assert "a person has at most 3 views" in save(client, "Fourth").text
    monkeypatch.setattr(service, "MAX_OWN", 30)
    monkeypatch.setattr(service, "MAX_SHARED", 0)
    assert "all together share at most 0 views" in save(client, "Fourth", shared="1").text


@pytest.mark.databases("sqlite")
def test_a_filter_that_there_is_no_more_is_said(database: Engine) -> None:
    client = signed_in()
    save(client, "Old")
    with transaction() as session:
        session.execute(update(SavedView).values(query="colour=red&state=dead"))
    answer = client.get(link(client.get(VIEWS).text, "Old") or "")
    assert (answer.status_code, 'Jobs have no filter "colour"' in unescape(answer.text)) == (422, True)

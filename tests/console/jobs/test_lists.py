"""The list of jobs: what narrows it, its pages in both directions, and what it says to what is none of it."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from app.console.jobs import listed
from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.jobs.accept import accept
from app.jobs.declaration import registry
from app.jobs.factory import new_job
from app.jobs.ledger.models import State
from tests.console.browser import OVERVIEW, signed_in
from tests.jobs import samples
from tests.jobs.ends import accepted, change, finish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine
    from starlette.testclient import TestClient

JOBS = "/console/jobs"
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31mred\u202egnp.exe"
IDS = re.compile(r'<th scope="row" class="id"><a href="/console/jobs/([0-9a-f-]{36})"[^>]*>')


def ids_on(text: str) -> list[str]:
    return IDS.findall(text)


def link(text: str, words: str) -> str | None:
    found = re.search(rf'<a [^>]*?href="([^"]+)"[^>]*>{words}</a>', text)
    return unescape(found[1]) if found else None


def listed_by(client: TestClient, **narrowed: Any) -> list[str]:
    answer = client.get(JOBS, params=narrowed)
    assert answer.status_code == 200, answer.text
    return ids_on(answer.text)


def dead(
    number: int = 1, *, ago: timedelta = timedelta(minutes=1), error: str = "KeyError: 'x'"
) -> list[str]:
    ids = accepted(number)
    finish(ids, ago=ago, state=State.DEAD)
    change(ids, error=error)
    return ids


def test_filters_leave_what_they_say(database: Engine) -> None:
    first, second = dead(error="TimeoutError: no answer"), dead(ago=timedelta(days=2))
    waiting = accepted()
    with transaction() as session:
        other = [accept(session, [new_job(samples.internal.name)])[0].id]
    client = signed_in()
    assert {*first, *second, *waiting, *other} <= set(listed_by(client))
    assert listed_by(client, state="dead") == [*first, *second]
    assert {*first, *second, *waiting, *other} <= set(listed_by(client, state=["dead", "ready"]))
    assert listed_by(client, state=["dead", "running"]) == [*first, *second]
    assert listed_by(client, task=samples.internal.name) == other
    assert set(listed_by(client, queue="maintenance")) == {*first, *second, *waiting}
    assert listed_by(client, error="NO answer") == first
    assert listed_by(client, accepted_before="2020-01-31") == []
    assert listed_by(client, state="dead", accepted_after="2020-01-31T08:00", task="") == [*first, *second]
    assert listed_by(client, state="running") == []


def test_pages_go_on_and_back_over_the_same_jobs(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "PAGE", 3)
    dead(5)
    dead(2, ago=timedelta(days=1))
    client = signed_in()
    pages = [client.get(JOBS, params={"state": "dead"}).text]
    assert "7 jobs match" in pages[0]
    while older := link(pages[-1], "Older"):
        pages.append(client.get(older).text)
    shown = [ids_on(page) for page in pages]
    assert [len(some) for some in shown] == [3, 3, 1]
    assert len({*shown[0], *shown[1], *shown[2]}) == 7
    assert link(pages[0], "Newer") is None
    back = client.get(link(pages[2], "Newer") or "").text
    assert ids_on(back) == shown[1]
    newest = dead()
    first = client.get(link(back, "Newer") or "").text
    assert ids_on(first) == shown[0]
    # Where the list begins now, its page is whole.
    assert ids_on(client.get(link(first, "Newer") or "").text) == [*newest, *shown[0][:2]]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"stat": "dead"}, 'Jobs have no filter "stat". Did you mean "state"?'),
        ({"x" * 10_000: "1"}, "The filters are: state, task, queue,"),
        ({"state": "deda"}, 'state: Did you mean "dead"?'),
        ({"task": ["a", "b"]}, "task: Give it once"),
        ({"error": "x" * 10_000}, "error: String should have at most 200 characters"),
        ({"task": "ж" * 10_000}, "task: String should have at most 200 characters"),
        ({"accepted_after": "yesterday"}, "accepted_after: Give an RFC 3339 time"),
        ({"accepted_before": "99999-01-01T00:00"}, "accepted_before: Give an RFC 3339 time"),
        ({"accepted_after": "2026-02-30"}, "accepted_after: Give an RFC 3339 time"),
        ({"cursor": "MjAyNi0x"}, "Begin with the first page."),
        ({"cursor": "after.000000000000.MjAyNi0x"}, "Begin with the first page."),
        ({"id": "nothing"}, 'There is no job "nothing".'),
        ({"id": "%"}, 'There is no job "%".'),
        ({"id": "x" * 10_000}, "There is no job"),
    ],
)
def test_what_is_no_filter_is_said_in_the_form(
    database: Engine, asked: Mapping[str, Any], sentence: str
) -> None:
    answer = signed_in(Role.VIEWER).get(JOBS, params=asked)
    assert answer.status_code in (404, 422)
    assert sentence in unescape(answer.text)
    assert "<form class=" in answer.text
    assert len(answer.content) < 20_000
    assert re.search(r'role="alert" class="note problem">[^\n]{10,400}</p>', answer.text)


@pytest.mark.databases("sqlite")
def test_a_cursor_stands_in_its_own_list_alone(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "PAGE", 1)
    dead(2)
    client = signed_in()
    older = link(client.get(JOBS, params={"state": "dead"}).text, "Older") or ""
    assert client.get(older).status_code == 200
    for other in (older.replace("state=dead", "state=ready"), older.replace("state=dead&", "")):
        answer = client.get(other)
        assert (answer.status_code, "leads into a list with other filters" in answer.text) == (422, True)


@pytest.mark.databases("sqlite")
def test_an_id_or_its_beginning_leads_to_the_job(database: Engine) -> None:
    one, other = accepted(2)
    client = signed_in()
    for typed in (one, f" {one} ", one[:-1]):
        answer = client.get(JOBS, params={"id": typed})
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{JOBS}/{one}"), typed
    several = client.get(JOBS, params={"id": one[:2]})
    assert (several.status_code, "Several jobs begin with" in several.text) == (422, True)
    assert other in several.text


def test_a_text_in_errors_is_looked_for_as_long_as_a_page_can_wait(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    needle = dead(ago=timedelta(days=3), error="ValueError: needle")
    dead(2)
    client = signed_in()
    monkeypatch.setattr(listed, "SEARCHED_FOR_SECONDS", 600)
    assert listed_by(client, error="needle") == needle
    monkeypatch.setattr(listed, "SEARCHED_FOR_SECONDS", -1)
    monkeypatch.setattr(listed, "STRETCHES", (timedelta(days=1),))
    page = client.get(JOBS, params={"error": "needle"}).text
    assert ids_on(page) == []
    assert "Searched back to" in page
    steps = 1
    while not ids_on(page):
        assert steps < 20
        page, steps = client.get(link(page, "Search on") or "").text, steps + 1
    assert ids_on(page) == needle
    assert steps > 2


@pytest.mark.databases("postgresql")
def test_a_list_that_takes_too_long_says_how_to_narrow_it(database: Engine) -> None:
    client = signed_in()
    with transaction() as session:
        session.connection().exec_driver_sql("LOCK TABLE job IN ACCESS EXCLUSIVE MODE")
        for asked in ({}, {"error": "needle"}):
            answer = client.get(JOBS, params=asked)
            assert (answer.status_code, "Narrow it: by state, task or queue." in answer.text) == (503, True)


@pytest.mark.databases("sqlite")
def test_a_full_page_is_small_whatever_is_in_it(database: Engine) -> None:
    dead(listed.PAGE + 1, error=f"{HOSTILE * 40}\n{'x' * 1000}")
    page = signed_in().get(JOBS)
    assert len(ids_on(page.text)) == listed.PAGE
    # Other tests have tasks of their own, which the form offers, too; those of the service take 2 KiB.
    offered = "".join(f"<option>{task}" for task in registry.tasks())
    assert len(page.content) - len(offered) <= 38 * 1024
    assert "<img" not in page.text
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text


@pytest.mark.databases("sqlite")
def test_a_viewer_sees_jobs_and_of_their_errors_what_is_nobodys(database: Engine) -> None:
    plain = dead(error="ValueError: plain words")
    with transaction() as session:
        held = [accept(session, [new_job(samples.transfer.name, kwargs={"iban": "DE02"})])[0].id]
    finish(held, ago=timedelta(minutes=2), state=State.DEAD)
    change(held, error="ValueError: DE02 is closed")
    viewer, operator = signed_in(Role.VIEWER), signed_in()
    for client, words in ((viewer, False), (operator, True)):
        page = client.get(JOBS, params={"state": "dead"}).text
        assert ids_on(page) == [*plain, *held]
        assert "plain words" in page
        assert ("DE02" in page) is words
        # A filter by what is hidden would show it, letter by letter.
        assert listed_by(client, error="DE02") == (held if words else [])
    assert f'href="{JOBS}?state=dead"' in viewer.get(OVERVIEW).text


@pytest.mark.databases("sqlite")
def test_more_than_are_counted_is_said_of_a_list(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "MAX_COUNTED", 2)
    dead(3)
    assert "2+ jobs match" in signed_in().get(JOBS, params={"state": "dead"}).text

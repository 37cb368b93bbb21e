"""The page of a job: what is known of it, who is related to it, and what is hidden from whom."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, group

from app.console.jobs import family, telling
from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Attempt, Outcome, State
from app.jobs.logged.models import JobLog
from app.outbound.deliveries import service as deliveries
from tests.console.browser import signed_in
from tests.jobs import samples
from tests.jobs.ends import accepted, change, finish

if TYPE_CHECKING:
    from sqlalchemy import Engine

JOBS = "/console/jobs"
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31mred\u202egnp.exe"


def job_of(task: str, **arguments: Any) -> str:
    with transaction() as session:
        return accept(session, [new_job(task, kwargs=arguments)])[0].id


def section(text: str, name: str) -> str:
    found = re.search(rf'<section aria-labelledby="{name}"[^>]*>(.*?)</section>', text, re.DOTALL)
    assert found, f"there is no section {name}"
    return unescape(found[1])


def test_a_page_tells_all_that_is_known_of_a_job(database: Engine) -> None:
    [job_id] = accepted()
    finish([job_id], ago=timedelta(minutes=1), state=State.DEAD, ran=61)
    change([job_id], error="KeyError: 'x'", attempt=1, worker="bulk@host#1", release="r7")
    at = datetime.now(UTC)
    with transaction() as session:
        session.add(
            Attempt(
                job_id=job_id,
                fence=1,
                worker="bulk@host#1",
                release="r7",
                started_at=at - timedelta(seconds=61),
                finished_at=at,
                outcome=Outcome.FAILED,
                error="KeyError: 'x'",
                traceback=f"Traceback: {HOSTILE}",
            )
        )
        made = deliveries.Outgoing(key="k", channel="email", recipient="a@b.c", subject="s", content={})
        deliveries.prepare(session, made).job_id = job_id
    page = signed_in().get(f"{JOBS}/{job_id}")
    assert page.status_code == 200
    now = section(page.text, "now")
    for words in ("✗ dead", "KeyError: 'x'", "1 of 5", "bulk@host#1, release r7", "after 1 min 1 s"):
        assert words in now, words
    assert '"name": "0"' in section(page.text, "arguments")
    attempts = section(page.text, "attempts")
    assert "failed" in attempts
    assert "Traceback: <img src=x onerror=alert(1)>\\x1b[31mred\\u202egnp.exe" in attempts
    assert "<img" not in page.text
    sent = section(page.text, "deliveries")
    assert "waiting" in sent
    assert "a@b.c" not in page.text


@pytest.mark.databases("sqlite")
def test_a_job_that_waits_says_why(database: Engine) -> None:
    with transaction() as session:
        later = new_job(samples.greet.name, kwargs={"name": "a"}, delay_seconds=3_600)
        job_id = accept(session, [later])[0].id
    page = signed_in(Role.VIEWER).get(f"{JOBS}/{job_id}").text
    assert "scheduled</span>: It is due at" in page
    assert "<button>" not in section(page, "now")
    # It is followed while it may change.
    assert 'id="state" data-live' in page
    change([job_id], state=State.DONE)
    assert 'id="state">' in signed_in(Role.ADMIN).get(f"{JOBS}/{job_id}").text


@pytest.mark.databases("sqlite")
def test_what_is_secret_is_masked_and_what_is_long_is_a_file(database: Engine) -> None:
    secret = job_of(samples.sign_in.name, user="ann", password="wide rivers")
    client = signed_in(Role.ADMIN)
    page = client.get(f"{JOBS}/{secret}").text
    assert '"password": "***"' in section(page, "arguments")
    long = job_of(samples.take.name, value={"text": "я" * 10_000, "end": "last words"})
    page = client.get(f"{JOBS}/{long}").text
    assert "last words" not in page
    assert len(page.encode()) < 40_000
    path = f"{JOBS}/{long}/arguments.json"
    assert f'href="{path}"' in page
    file = client.get(path)
    assert file.headers["Content-Disposition"] == 'attachment; filename="arguments.json"'
    assert json.loads(file.content)["value"]["end"] == "last words"
    assert client.get(f"{JOBS}/{secret}/arguments.json").json() == {"user": "ann", "password": "***"}
    assert client.get(f"{JOBS}/{long}/everything.json").status_code == 422


@pytest.mark.databases("sqlite")
def test_who_lacks_the_scope_of_a_task_sees_its_shape_alone(database: Engine) -> None:
    held = job_of(samples.transfer.name, iban="DE02 1203")
    finish([held], ago=timedelta(minutes=1))
    change([held], result={"iban": "DE02 1203"})
    for role, sees in ((Role.VIEWER, False), (Role.OPERATOR, True)):
        client = signed_in(role)
        for path in ("", "/arguments.json", "/result.json"):
            answer = client.get(f"{JOBS}/{held}{path}")
            assert (answer.status_code, "DE02" in answer.text) == (200, sees), (role, path)


def test_relatives_are_named_and_lead_to_their_pages(database: Engine) -> None:
    greet = samples.greet
    with transaction():
        first: Any = chain(greet.s("a"), greet.si("b"), greet.si("c")).apply_async()
        parts: Any = group(greet.s("d"), greet.s("e")).apply_async()
    second = first.parent
    client = signed_in()
    page = section(client.get(f"{JOBS}/{second.parent.id}").text, "family")
    assert page.index("Goes on with") < page.index(second.id) < page.index(first.id)
    assert "not in the ledger" in page
    one, other = (part.id for part in parts.children)
    in_group = section(client.get(f"{JOBS}/{one}").text, "family")
    assert f'href="{JOBS}/{other}"' in in_group[in_group.index("In its group") :]


def test_what_a_job_queued_is_looked_for_among_so_many(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    [parent] = accepted()
    finish([parent], ago=timedelta(seconds=-60), ran=120)
    others = accepted(3)
    [child] = accepted()
    change([child], options={"parent_id": parent})
    client = signed_in()
    found = section(client.get(f"{JOBS}/{parent}").text, "family")
    assert child in found[found.index("Queued by its last attempt") :]
    assert others[0] not in found
    assert parent in section(client.get(f"{JOBS}/{child}").text, "family")
    monkeypatch.setattr(family, "LOOKED_THROUGH", 1)
    found = section(client.get(f"{JOBS}/{parent}").text, "family")
    assert "was looked for until" in found


@pytest.mark.databases("postgresql")
def test_a_part_that_takes_too_long_leaves_the_rest_of_the_page(database: Engine) -> None:
    [job_id] = accepted()
    client = signed_in()
    with transaction() as session:
        session.connection().exec_driver_sql("LOCK TABLE delivery IN ACCESS EXCLUSIVE MODE")
        page = client.get(f"{JOBS}/{job_id}")
    assert page.status_code == 200
    assert "was left out" in section(page.text, "deliveries")
    assert "Nothing" in section(page.text, "acts")


def log(job_id: str, *messages: str, first: int = 0) -> None:
    with transaction() as session:
        lines = [[1_795_952_876.6, "ERROR", "app.sync", message] for message in messages]
        session.add(JobLog(job_id=job_id, fence=2, first=first, lines=lines))


@pytest.mark.databases("sqlite")
def test_what_it_logged_is_shown_and_is_a_file(database: Engine) -> None:
    [job_id] = accepted()
    client = signed_in()
    assert "Nothing is kept." in section(client.get(f"{JOBS}/{job_id}").text, "log")
    log(job_id, "begun", HOSTILE)
    log(job_id, "я" * 5_000 + "the end", first=9)
    page = client.get(f"{JOBS}/{job_id}").text
    shown = section(page, "log")
    assert "<img" not in page
    words = ("2026-11-29 11:47:56", "app.sync", "\\x1b[31mred\\u202egnp.exe", "7 lines left out", "the end")
    for word in words:
        assert word in shown, word
    assert len(shown) < 5_000
    assert 'id="lines" data-live' in page
    path = f"{JOBS}/{job_id}/log.txt"
    assert f'href="{path}" download' in page
    file = client.get(path)
    assert file.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert file.headers["Content-Disposition"] == f'attachment; filename="job-{job_id}.log.txt"'
    lines = file.content.decode().splitlines()
    assert lines[0] == "2026-11-29T11:47:56.600Z attempt 2 ERROR app.sync: begun"
    assert lines[2:] == ["[7 lines left out]", f"{lines[0].removesuffix('begun')}{'я' * 5_000}the end"]


@pytest.mark.databases("sqlite")
def test_of_a_long_log_the_page_shows_the_end(database: Engine) -> None:
    [job_id] = accepted()
    log(job_id, *(f"line {number}." for number in range(telling.MAX_LINES + 1)))
    shown = section(signed_in().get(f"{JOBS}/{job_id}").text, "log")
    assert "line 0." not in shown
    assert f"line {telling.MAX_LINES}." in shown
    assert "These are the last lines" in shown


@pytest.mark.databases("sqlite")
def test_what_is_hidden_of_a_job_is_so_in_its_log(database: Engine) -> None:
    held = job_of(samples.transfer.name, iban="DE02 1203")
    log(held, "for DE02 1203")
    for role, sees in ((Role.VIEWER, False), (Role.OPERATOR, True)):
        client = signed_in(role)
        for path in ("", "/log.txt"):
            answer = client.get(f"{JOBS}/{held}{path}")
            assert (answer.status_code, "for DE02" in answer.text) == (200, sees), (role, path)


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        ({"done": 3, "total": 12}, "3 of 12"),
        ({"current": 0.5, "total": 2}, "0.5 of 2"),
        ({"done": 3}, None),
        ({"done": 0, "total": 0}, None),
        ({"done": 10**400, "total": 10**401}, None),
        ({"done": -1, "total": 1}, None),
        ({"done": 5, "total": 3}, None),
        ({"done": True, "total": "12"}, None),
        ({"_info": [1]}, None),
    ],
)
def test_a_job_that_says_how_far_it_is_has_a_bar(
    database: Engine, progress: dict[str, Any], shown: str | None
) -> None:
    [job_id] = accepted()
    change([job_id], state=State.RUNNING, progress=progress)
    page = signed_in().get(f"{JOBS}/{job_id}").text
    assert 'id="far" data-live' in page
    assert ("<progress " in page) is (shown is not None)
    assert shown is None or f"</progress> {shown}<" in page


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("job_id", ["nothing", "x" * 200, "%E2%80%AE", "..%2F", "'", "%3Cimg%3E"])
def test_what_is_no_job_is_said(database: Engine, job_id: str) -> None:
    answer = signed_in(Role.VIEWER).get(f"{JOBS}/{job_id}")
    assert answer.status_code == 404
    assert "<img" not in answer.text
    assert signed_in(Role.ADMIN).get(f"{JOBS}/{'x' * 201}").status_code == 422


@pytest.mark.databases("sqlite")
def test_a_row_that_nobody_foresaw_is_shown_as_far_as_it_can_be(database: Engine) -> None:
    [job_id] = accepted()
    chained: Any = [{"options": {"task_id": "\ud800"}}, {"options": [1]}, 7]
    change([job_id], options={"parent_id": 7, "root_id": ["x"], "chain": chained, "callbacks": "x"})
    change([job_id], kwargs=[1, "\ud800"], context={"replay_of": 7, HOSTILE: {HOSTILE: None}})
    page = signed_in().get(f"{JOBS}/{job_id}")
    assert page.status_code == 200
    assert "<img" not in page.text

"""The page of errors: what failed, how often, since when, in which release."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Attempt, Outcome, State
from app.jobs.statistics import failures
from app.jobs.web import bundle_of_many
from tests.console.browser import HERE, signed_in
from tests.console.jobs.test_acts import noted, state_of
from tests.domains.bulk import many
from tests.jobs import samples
from tests.jobs.ends import accepted, change, finish

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

pytestmark = pytest.mark.databases("sqlite")
ERRORS, TASK = "/console/errors", samples.greet.name
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m"


def fail(job_id: str, error: str, *, hours: int = 1, release: str = "r1") -> None:
    at = datetime.now(UTC) - timedelta(hours=hours)
    values = {"job_id": job_id, "fence": 1, "outcome": Outcome.FAILED, "error": error, "release": release}
    with transaction() as session:
        session.execute(insert(Attempt).values(finished_at=at, **values))


def test_the_same_error_is_one_row_with_its_times_and_releases_and_leads_to_jobs(database: Engine) -> None:
    ids = accepted(2)
    fail(ids[0], "ValueError: row 1", hours=3)
    fail(ids[1], "ValueError: row 2", hours=1, release="r2")
    change(ids, state=State.DEAD, fence=1)
    page = signed_in().get(ERRORS).text
    assert page.count("<tr id=") == 1
    assert "ValueError: row #" in page
    assert "r1, r2" in page
    assert f'href="/console/jobs/{ids[1]}"' in page
    assert f'href="/console/jobs?state=dead&amp;task={TASK}">2</a>' in page


def test_time_and_task_narrow_it(database: Engine) -> None:
    ids = accepted(2)
    fail(ids[0], "ValueError: old", hours=30)
    fail(ids[1], "KeyError: new")
    client = signed_in()
    assert "ValueError" not in client.get(ERRORS).text
    assert "ValueError" in client.get(f"{ERRORS}?hours=168").text
    assert "KeyError" in client.get(f"{ERRORS}?task={TASK}").text
    assert "Nothing failed" in client.get(f"{ERRORS}?task=other").text


def test_what_jobs_say_is_shown_and_not_obeyed(database: Engine) -> None:
    fail(accepted()[0], f"ValueError: {HOSTILE}", release=HOSTILE)
    page = signed_in(Role.ADMIN).get(ERRORS).text
    assert "<img" not in page
    assert "\x1b" not in page


def test_of_what_is_personal_an_operator_sees_the_class_alone(database: Engine) -> None:
    with transaction() as session:
        job = accept(session, [new_job(samples.transfer.name, kwargs={"iban": "x"})])[0]
    fail(job.id, "ValueError: the account of Ann")
    assert "the account of Ann" in signed_in(Role.ADMIN).get(ERRORS).text
    page = signed_in(Role.VIEWER).get(ERRORS).text
    assert "ValueError" in page
    assert "Ann" not in page


def form_of(page: str, error: str) -> dict[str, str]:
    """What the buttons of a group send."""
    row = next(row for row in page.split("<tr id=") if error in row)
    return {**dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', row)), "reason": "They are old."}


def fail_with(*errors: str) -> list[str]:
    ids = accepted(len(errors))
    for job_id, error in zip(ids, errors, strict=True):
        fail(job_id, error)
        finish([job_id], ago=timedelta(minutes=1), state=State.DEAD)
        change([job_id], fence=1, error=error)
    return ids


@pytest.mark.parametrize(("act", "after"), [("retry", State.READY), ("discard", State.CANCELLED)])
def test_the_dead_of_a_group_are_chosen_shown_and_then_done(database: Engine, act: str, after: State) -> None:
    ids = fail_with("ValueError: row 1", "ValueError: row 2", "KeyError: 'x'", "ValueError: row 3")
    change(ids[3:], state=State.DONE)
    client = signed_in()
    form = form_of(client.get(ERRORS).text, "ValueError")
    answer = client.post(f"{ERRORS}/{act}", data=form, headers=HERE)
    assert answer.status_code == 303, answer.text
    place = answer.headers["Location"]
    shown = client.get(place).text
    assert "2 jobs, as of" in shown
    assert f"task {TASK}, error ValueError: row #, hours 24" in shown
    later = fail_with("ValueError: row 4")
    for _ in range(2):
        assert client.post(f"{place}/begin", data=form, headers=HERE).status_code == 303
    many.run(int(place.rpartition("/")[2]))
    assert [state_of(one) for one in (*ids, *later)] == [after, after, "dead", "done", "dead"]
    changes = [one["arguments"] for one in noted() if "before" in one["arguments"]]
    assert [(one["before"], one["after"], one["jobs"], one["reason"]) for one in changes] == [
        ("dead", after, 2, "They are old.")
    ] * 2


def test_a_group_that_is_not_there_or_not_theirs_changes_nothing(database: Engine) -> None:
    [job_id] = fail_with("ValueError: 1")
    operator, viewer = signed_in(), signed_in(Role.VIEWER)
    form = form_of(operator.get(ERRORS).text, "ValueError")
    assert "errors/retry" not in viewer.get(ERRORS).text
    for act in ("retry", "discard"):
        assert viewer.post(f"{ERRORS}/{act}", data=form, headers=HERE).status_code == 403
    for wrong, status in (
        ({"fingerprint": "0" * 16}, 404),
        ({"fingerprint": ""}, 404),
        ({"fingerprint": "\x00'; DROP TABLE job"}, 404),
        ({"fingerprint": "x" * 10_000}, 404),
        *(({"hours": hours}, 422) for hours in ("", "0", "169", "NaN", "1e9", "٣", "9" * 5_000)),
    ):
        answer = operator.post(f"{ERRORS}/retry", data=form | wrong, headers=HERE)
        assert (answer.status_code, 'role="alert"' in answer.text) == (status, True), wrong
    assert (state_of(job_id), noted()) == (State.DEAD, [])


def test_of_a_group_only_jobs_within_somebodys_reach_are_chosen(database: Engine) -> None:
    [job_id] = fail_with("ValueError: 1")
    change([job_id], task="of.another.release")
    operator = signed_in()
    form = form_of(operator.get(ERRORS).text, "ValueError")
    place = operator.post(f"{ERRORS}/discard", data=form, headers=HERE).headers["Location"]
    assert "No job matches that you may change." in operator.get(place).text


def test_it_says_how_far_back_it_looked(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "MAX_READ", 2)
    for job_id in accepted(3):
        fail(job_id, "ValueError: 1")
    assert "was looked through" in signed_in().get(ERRORS).text


@pytest.mark.parametrize(
    "query", ["hours=0", "hours=169", "hours=x", "hours=1e9", "hours=", "task=" + "x" * 201, "hours=%D9%A3"]
)
def test_what_cannot_be_asked_is_said(database: Engine, query: str) -> None:
    answer = signed_in().get(f"{ERRORS}?{query}")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def file_of(client: TestClient) -> str:
    """Where the first group of the page is as a file."""
    link = re.search(r'href="(/console/errors/evidence[^"]*)"', client.get(ERRORS).text)
    assert link
    return unescape(link[1])


def test_a_group_is_handed_on_as_one_file_with_its_newest_jobs_first(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = fail_with("ValueError: row 1", "ValueError: row 2", "KeyError: 'x'")
    client = signed_in()
    link = file_of(client)
    answer = client.get(link)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="errors.json"'
    found = answer.json()
    assert (found["group"]["title"], found["group"]["dead"], found["left_out"]) == (
        "ValueError: row #",
        2,
        None,
    )
    assert [one["job"]["id"] for one in found["jobs"]] == ids[1::-1]
    assert {"deliveries", "acts", "bulk_acts"} <= found["jobs"][0].keys()
    assert found["jobs"][0]["job"]["attempts"][0]["error"] == "ValueError: row 2"
    for name, most in (("MAX_JOBS", 1), ("MAX_BYTES", len(answer.content) - 500), ("MAX_SECONDS", -1.0)):
        with monkeypatch.context() as patch:
            patch.setattr(bundle_of_many, name, most)
            cut = client.get(link).json()
        assert len(cut["jobs"]) == (0 if name == "MAX_SECONDS" else 1)
        assert cut["left_out"].startswith(f"{2 - len(cut['jobs'])} of 2 jobs are not in here: one file has")


def test_what_is_handed_on_is_masked_and_no_more_than_is_seen(database: Engine) -> None:
    with transaction() as session:
        job = accept(session, [new_job(samples.transfer.name, kwargs={"iban": "DE-secret"})])[0]
    fail(job.id, "ValueError: the account of Ann")
    for role in Role:
        client = signed_in(role)
        found = client.get(file_of(client))
        shown = "the account of Ann" in found.text
        assert (found.status_code, shown) == (200, role is not Role.VIEWER)
        assert ("DE-secret" in found.text) is shown


@pytest.mark.parametrize("query", ["", "?fingerprint=x&hours=0", "?fingerprint=" + "x" * 201])
def test_of_what_is_no_group_is_no_file(database: Engine, query: str) -> None:
    client = signed_in()
    assert client.get(f"{ERRORS}/evidence.json{query}").status_code == 422
    answer = client.get(f"{ERRORS}/evidence.json?fingerprint=0123")
    assert (answer.status_code, "nothing fails like that" in answer.text) == (404, True)
    assert "Content-Disposition" not in answer.headers

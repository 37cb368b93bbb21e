"""The page of errors: what failed, how often, since when, in which release."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Attempt, Outcome, State
from app.jobs.statistics import failures
from tests.console.browser import signed_in
from tests.jobs import samples
from tests.jobs.ends import accepted, change

if TYPE_CHECKING:
    from sqlalchemy import Engine

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

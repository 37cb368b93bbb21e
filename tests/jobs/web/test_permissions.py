"""What tokens may do with jobs of tasks that state a scope of their own."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from app.jobs.declaration import registry
from app.jobs.ledger.models import State
from app.tokens.scope import known_scopes
from tests.api_client import client_for
from tests.jobs import samples
from tests.jobs.over_http import number_of_jobs, replace_process, submitted

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = pytest.mark.usefixtures("database")

TRANSFER = {"task": samples.transfer.name, "arguments": {"iban": "DE02 1203"}}
JOBS = ("jobs:read", "jobs:write", "jobs:retry")
PRIVATE = "DE02 1203"


@pytest.fixture
def outsider() -> TestClient:
    """May do all that the routes of jobs ask for, and nothing in any domain."""
    return client_for(*JOBS)


@pytest.fixture
def insider() -> TestClient:
    return client_for(*JOBS, samples.HELD)


@pytest.fixture
def job_id(insider: TestClient) -> str:
    return submitted(insider, **TRANSFER)


def test_every_public_task_of_a_domain_states_a_known_scope() -> None:
    scopes = known_scopes()
    own = [spec for spec in registry.tasks().values() if spec.body.__module__.startswith("app.")]
    public = [spec for spec in own if spec.public]
    assert len(public) >= 8
    assert [spec.name for spec in public if spec.scope not in scopes] == []
    assert [spec.name for spec in own if spec.scope not in {*scopes, None}] == []


def test_no_public_task_can_be_submitted_with_the_scopes_of_jobs_alone(outsider: TestClient) -> None:
    for spec in registry.tasks().values():
        if not spec.public or spec.scope is None:
            continue
        for path, body in (
            ("/api/v1/jobs", {"task": spec.name}),
            ("/api/v1/jobs/batch", {"jobs": [{"task": spec.name}]}),
        ):
            answer = outsider.post(path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope"), spec.name
            assert spec.scope in answer.json()["detail"]
    assert number_of_jobs() == 0


def test_one_forbidden_job_keeps_its_whole_batch_out(outsider: TestClient) -> None:
    hello = {"task": samples.greet.name, "arguments": {"name": "Ada"}}
    answer = outsider.post("/api/v1/jobs/batch", json={"jobs": [hello, TRANSFER]})
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert number_of_jobs() == 0


def test_a_misspelt_task_is_told_of_before_any_scope(outsider: TestClient) -> None:
    answer = outsider.post("/api/v1/jobs", json={"task": samples.transfer.name[:-1]})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert samples.transfer.name in answer.text


@pytest.mark.parametrize("action", ["retry", "cancel"])
def test_a_job_is_changed_only_with_the_scope_of_its_task(
    outsider: TestClient, insider: TestClient, job_id: str, action: str
) -> None:
    if action == "retry":
        replace_process(job_id, State.DEAD, error="broken")
    path = f"/api/v1/jobs/{job_id}/{action}"
    assert outsider.post(path).json()["code"] == "missing_scope"
    answer = insider.post(path)
    assert answer.status_code == HTTPStatus.OK
    assert answer.json()["arguments"] == {"iban": PRIVATE}


def test_a_bulk_retry_leaves_alone_what_the_token_may_not_run(
    outsider: TestClient, insider: TestClient, job_id: str
) -> None:
    greeting = submitted(insider)
    for each in (job_id, greeting):
        replace_process(each, State.DEAD, error="broken")
    named = outsider.post("/api/v1/jobs/retry", json={"task": samples.transfer.name})
    assert named.json()["code"] == "missing_scope"
    assert outsider.post("/api/v1/jobs/retry", json={}).json() == {"retried": 1, "more": False}
    assert insider.get(f"/api/v1/jobs/{job_id}").json()["state"] == "dead"
    assert insider.post("/api/v1/jobs/retry", json={}).json() == {"retried": 1, "more": False}


def test_a_bulk_cancel_leaves_alone_what_the_token_may_not_change(
    outsider: TestClient, insider: TestClient, job_id: str
) -> None:
    submitted(insider)
    named = outsider.post("/api/v1/jobs/cancel", json={"task": samples.transfer.name})
    assert named.json()["code"] == "missing_scope"
    assert outsider.post("/api/v1/jobs/cancel", json={}).json() == {"cancelled": 1, "more": False}
    assert insider.get(f"/api/v1/jobs/{job_id}").json()["state"] == "ready"
    assert insider.post("/api/v1/jobs/cancel", json={}).json() == {"cancelled": 1, "more": False}


def test_what_a_job_was_given_and_what_came_of_it_are_hidden_without_its_scope(
    outsider: TestClient, insider: TestClient, job_id: str
) -> None:
    replace_process(job_id, State.DONE, result={"iban": PRIVATE}, progress={"iban": PRIVATE})
    paths = (f"/api/v1/jobs/{job_id}", "/api/v1/jobs", f"/api/v1/jobs/{job_id}/events")
    for path in paths:
        answer = outsider.get(path)
        assert answer.status_code == HTTPStatus.OK
        assert PRIVATE not in answer.text, path
        assert samples.HELD in answer.text, path
        assert PRIVATE in insider.get(path).text, path
    seen = outsider.get(paths[0]).json()
    assert (seen["state"], seen["arguments"], seen["result"]) == ("done", {"iban": "***"}, "***")


def test_jobs_of_a_task_that_is_not_known_here_are_for_tokens_for_everything(
    outsider: TestClient, job_id: str
) -> None:
    replace_process(job_id, State.DEAD, task="elsewhere.transfer", error="broken")
    assert PRIVATE not in outsider.get(f"/api/v1/jobs/{job_id}").text
    assert outsider.post(f"/api/v1/jobs/{job_id}/retry").status_code == HTTPStatus.FORBIDDEN
    assert outsider.post("/api/v1/jobs/retry", json={}).json()["retried"] == 0
    everything = client_for("*")
    assert everything.get(f"/api/v1/jobs/{job_id}").json()["arguments"] == {"iban": PRIVATE}
    assert everything.post(f"/api/v1/jobs/{job_id}/retry").status_code == HTTPStatus.OK

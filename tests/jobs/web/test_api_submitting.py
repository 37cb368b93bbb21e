"""Submitting jobs over HTTP."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.broker import redis
from app.jobs.ledger.models import Job
from tests.api_client import client_for
from tests.jobs import samples
from tests.jobs.over_http import GREET, HELLO, number_of_jobs, submitted

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]


@pytest.mark.redis_only(reason="it looks into Redis")
def test_an_accepted_job_is_in_the_ledger_and_in_the_broker(api: TestClient) -> None:
    answer = api.post("/api/v1/jobs", json=HELLO, headers={"X-Request-ID": "order-7"})
    assert answer.status_code == 202
    job_id = answer.json()["id"]
    assert answer.headers["Location"] == f"/api/v1/jobs/{job_id}"
    job = api.get(answer.headers["Location"]).json()
    assert job["state"] == "ready"
    assert job["arguments"] == {"name": "Ada"}
    assert job["context"]["request_id"] == "order-7"
    assert redis.client().llen("groundwork:maintenance\x06\x166") == 1


def test_a_job_for_later_waits_in_the_ledger(api: TestClient) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    job_id = submitted(api, run_at=later.isoformat(), priority="urgent")
    job = api.get(f"/api/v1/jobs/{job_id}").json()
    assert (job["state"], job["priority"]) == ("scheduled", "urgent")
    assert datetime.fromisoformat(job["run_at"]) == later


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"task": "app.jobs.service.retry_job"}, "#/task"),
        ({"task": "celery.backend_cleanup"}, "#/task"),
        ({"task": "__import__"}, "#/task"),
        ({"task": samples.internal.name}, "#/task"),
        ({"arguments": {}}, "#/arguments/name"),
        ({"arguments": {"name": "Ada", "shout": True}}, "#/arguments/shout"),
        ({"arguments": {"name": ["Ada"]}}, "#/arguments/name"),
        ({"arguments": {"name": "Ada", "times": 11}}, "#/arguments/times"),
        ({"arguments": [1]}, "#/arguments"),
        ({"run_at": "2020-01-01T00:00:00Z"}, "#/run_at"),
        ({"run_at": "2999-01-01T00:00:00Z"}, "#/run_at"),
        ({"run_at": "2030-01-01T00:00:00"}, "#/run_at"),
        ({"run_at": "0001-01-01T00:00:00+23:00"}, "#/run_at"),
        ({"run_at": "2030-02-30T00:00:00Z"}, "#/run_at"),
        ({"run_at": 1893456000}, "#/run_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "#/expires_at"),
        ({"priority": 10}, "#/priority"),
        ({"queue": "analytics"}, "#/queue"),
        ({"countdown": -1}, "#/countdown"),
        ({"max_attempts": 10_000}, "#/max_attempts"),
    ],
)
def test_a_job_that_cannot_be_run_is_refused_with_its_place(
    api: TestClient, changes: dict[str, Any], pointer: str
) -> None:
    answer = api.post("/api/v1/jobs", json={**HELLO, **changes})
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert number_of_jobs() == 0


def test_a_misspelt_task_is_told_the_nearest(api: TestClient) -> None:
    answer = api.post("/api/v1/jobs", json={"task": GREET[:-1]})
    assert f'Did you mean "{GREET}"?' in answer.json()["detail"]


def test_a_repeated_key_gives_the_first_answer_again(api: TestClient) -> None:
    first, again = (
        api.post("/api/v1/jobs", json=HELLO, headers={"Idempotency-Key": "order-7"}) for _ in range(2)
    )
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert number_of_jobs() == 1


def test_a_repeated_key_counts_though_its_time_has_passed(api: TestClient) -> None:
    headers = {"Idempotency-Key": "order-7"}
    soon = datetime.now(UTC) + timedelta(seconds=0.5)
    body = {**HELLO, "run_at": soon.isoformat()}
    first = api.post("/api/v1/jobs", json=body, headers=headers)
    assert first.status_code == 202
    while datetime.now(UTC) <= soon:
        again = api.post("/api/v1/jobs", json=body, headers=headers)
    again = api.post("/api/v1/jobs", json=body, headers=headers)
    assert again.json() == first.json()


def test_a_key_used_for_another_request_is_refused(api: TestClient) -> None:
    headers = {"Idempotency-Key": "order-7"}
    submitted_id = api.post("/api/v1/jobs", json=HELLO, headers=headers).json()["id"]
    answer = api.post("/api/v1/jobs", json={**HELLO, "priority": "low"}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert submitted_id in answer.json()["detail"]


def test_two_tokens_may_use_the_same_key(api: TestClient) -> None:
    headers = {"Idempotency-Key": "order-7"}
    ids = {
        client.post("/api/v1/jobs", json=HELLO, headers=headers).json()["id"]
        for client in (api, client_for())
    }
    assert len(ids) == 2


def test_concurrent_copies_of_a_request_become_one_job(api: TestClient) -> None:
    def post(_: int) -> tuple[int, str]:
        answer = api.post("/api/v1/jobs", json=HELLO, headers={"Idempotency-Key": "order-7"})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(post, range(24)))
    assert len(answers) == 1
    assert answers.pop()[0] == 202
    assert number_of_jobs() == 1


@pytest.mark.parametrize("key", ["", "x" * 300, "a b", "a\tb", "ü"])
def test_a_key_that_cannot_be_one_is_refused(api: TestClient, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    answer = api.post("/api/v1/jobs", json=HELLO, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_idempotency_key"


def test_sensitive_arguments_are_sealed_and_shown_masked(api: TestClient) -> None:
    arguments = {"user": "ada", "password": "correct horse"}
    answer = api.post("/api/v1/jobs", json={"task": samples.sign_in.name, "arguments": arguments})
    job = api.get(answer.headers["Location"])
    assert job.json()["arguments"] == {"user": "ada", "password": "***"}
    with reading() as session:
        stored = session.execute(select(Job.kwargs)).scalar_one()
    assert "correct horse" not in json.dumps(stored)
    wire = redis.client().lrange("groundwork:default\x06\x166", 0, -1)
    assert "correct horse" not in str(wire)


def test_a_refused_secret_is_not_repeated(api: TestClient) -> None:
    arguments = {"user": "ada", "password": ["correct horse"]}
    answer = api.post("/api/v1/jobs", json={"task": samples.sign_in.name, "arguments": arguments})
    assert answer.status_code == 422
    assert "correct horse" not in answer.text


@pytest.mark.redis_only(reason="it looks into Redis")
def test_a_thousand_jobs_are_accepted_in_one_call(api: TestClient) -> None:
    jobs = [{"task": GREET, "arguments": {"name": f"{index}"}} for index in range(1000)]
    answer = api.post("/api/v1/jobs/batch", json={"jobs": jobs})
    assert answer.status_code == 202
    assert len({job["id"] for job in answer.json()["jobs"]}) == 1000
    last = api.get(answer.json()["jobs"][999]["url"]).json()
    assert last["arguments"] == {"name": "999"}
    assert redis.client().llen("groundwork:maintenance\x06\x166") == 1000


def test_a_batch_with_bad_jobs_names_them_all_and_accepts_none(api: TestClient) -> None:
    jobs: list[Any] = [HELLO, {"task": "nothing"}, HELLO, {"task": GREET, "arguments": {"name": 7}}]
    answer = api.post("/api/v1/jobs/batch", json={"jobs": jobs})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "#/jobs/1/task",
        "#/jobs/3/arguments/name",
    ]
    assert number_of_jobs() == 0


def test_a_batch_is_bounded(api: TestClient) -> None:
    for jobs in ([], [HELLO] * 1001):
        answer = api.post("/api/v1/jobs/batch", json={"jobs": jobs})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/jobs"


def test_a_batch_may_be_larger_than_other_bodies_but_each_jobs_arguments_may_not(api: TestClient) -> None:
    half, whole = ({"task": GREET, "arguments": {"name": "x" * size}} for size in (2**17, 2**18))
    assert api.post("/api/v1/jobs/batch", json={"jobs": [half] * 8}).status_code == 202
    answer = api.post("/api/v1/jobs/batch", json={"jobs": [half, whole]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/jobs/1/arguments"


def test_each_job_of_a_batch_may_have_its_own_key(api: TestClient) -> None:
    def batch(*keys: str) -> Any:
        return api.post(
            "/api/v1/jobs/batch", json={"jobs": [{**HELLO, "idempotency_key": key} for key in keys]}
        )

    first, second = batch("a", "b"), batch("b", "c")
    assert second.json()["jobs"][0] == first.json()["jobs"][1]
    assert number_of_jobs() == 3
    clash = [{**HELLO, "idempotency_key": "a", "priority": "low"}, {**HELLO, "idempotency_key": "d"}]
    answer = api.post("/api/v1/jobs/batch", json={"jobs": clash})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert number_of_jobs() == 3


def test_one_key_twice_in_a_batch_is_one_job(api: TestClient) -> None:
    jobs = [{**HELLO, "idempotency_key": "a"}] * 2
    answer = api.post("/api/v1/jobs/batch", json={"jobs": jobs})
    assert len({job["id"] for job in answer.json()["jobs"]}) == 1
    assert number_of_jobs() == 1


def test_a_batch_may_be_repeated_as_a_whole(api: TestClient) -> None:
    def batch(*jobs: Any) -> Any:
        return api.post("/api/v1/jobs/batch", json={"jobs": jobs}, headers={"Idempotency-Key": "import-3"})

    first, again = batch(HELLO, HELLO), batch(HELLO, HELLO)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    for other in (batch(HELLO), batch(HELLO, HELLO, HELLO)):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert number_of_jobs() == 2

"""Retrying and cancelling jobs over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from app.jobs.broker import redis
from app.jobs.ledger import store
from app.jobs.ledger.models import State
from tests.jobs.over_http import claimed, replace_process, submitted
from tests.jobs.samples import greet

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.redis_only(reason="it looks into Redis")
@pytest.mark.parametrize("state", [State.DEAD, State.CANCELLED])
def test_a_dead_or_cancelled_job_runs_again_on_request(api: TestClient, state: State) -> None:
    job_id = submitted(api)
    redis.client().flushdb()
    replace_process(job_id, state, attempt=5, error="ValueError")
    answer = api.post(f"/api/v1/jobs/{job_id}/retry")
    assert answer.status_code == 200, answer.text
    job = answer.json()
    assert (job["state"], job["attempt"], job["error"]) == ("ready", 0, None)
    assert redis.client().llen("groundwork:maintenance\x06\x166") == 1
    assert store.claim(store.connection(), [store.Message(job_id, 0)], worker="here#1")


@pytest.mark.parametrize("state", [State.READY, State.RUNNING, State.DONE, State.SCHEDULED])
def test_any_other_job_cannot_be_retried(api: TestClient, state: State) -> None:
    job_id = submitted(api)
    replace_process(job_id, state)
    answer = api.post(f"/api/v1/jobs/{job_id}/retry")
    assert answer.status_code == 409
    assert f"is {state}" in answer.json()["detail"]


def test_dead_jobs_are_retried_by_filter(api: TestClient) -> None:
    ids = [submitted(api) for _ in range(5)]
    for index, job_id in enumerate(ids[:4]):
        replace_process(job_id, State.DEAD, error="Timeout" if index else "ValueError")
    answer = api.post("/api/v1/jobs/retry", json={"error": "timeout", "limit": 2})
    assert answer.json() == {"retried": 2, "more": True}
    answer = api.post("/api/v1/jobs/retry", json={"error": "timeout"})
    assert answer.json() == {"retried": 1, "more": False}
    left = api.get("/api/v1/jobs", params={"state": "dead"}).json()["jobs"]
    assert [job["id"] for job in left] == ids[:1]


def test_waiting_jobs_are_cancelled_by_filter(api: TestClient) -> None:
    ids = [submitted(api) for _ in range(5)]
    replace_process(ids[0], State.SCHEDULED, run_at=datetime.now(UTC) + timedelta(hours=1))
    replace_process(ids[3], State.RUNNING)
    replace_process(ids[4], State.DONE)
    nothing = api.post("/api/v1/jobs/cancel", json={"queue": "emails"})
    assert nothing.json() == {"cancelled": 0, "more": False}
    assert api.post("/api/v1/jobs/cancel", json={"limit": 2}).json() == {"cancelled": 2, "more": True}
    assert api.post("/api/v1/jobs/cancel", json={}).json() == {"cancelled": 1, "more": False}
    states = {job["id"]: job["state"] for job in api.get("/api/v1/jobs").json()["jobs"]}
    assert [states[job_id] for job_id in ids] == ["cancelled"] * 3 + ["running", "done"]
    assert api.post("/api/v1/jobs/cancel", json={"state": "dead"}).status_code == 422


def test_cancelling_many_calls_off_what_waits_for_them(api: TestClient) -> None:
    chain = greet.s("a") | greet.si("b").set(task_id="after")
    chain.delay()
    assert api.post("/api/v1/jobs/cancel", json={}).json()["cancelled"] == 1
    assert api.get("/api/v1/jobs/after").json()["state"] == "dead"


def test_a_waiting_job_is_cancelled_and_not_run(api: TestClient) -> None:
    job_id = submitted(api)
    answer = api.post(f"/api/v1/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert not store.claim(store.connection(), [store.Message(job_id, 0)], worker="here#1")
    assert "cancelled" in api.post(f"/api/v1/jobs/{job_id}/cancel").json()["detail"]


def test_a_cancelled_running_job_can_no_longer_finish(api: TestClient) -> None:
    job_id = submitted(api)
    claim = claimed(job_id)
    job = api.post(f"/api/v1/jobs/{job_id}/cancel").json()
    assert job["state"] == "cancelled"
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["cancelled"]
    assert not store.finish(store.connection(), [store.Finish(job_id, claim.fence, "1")])


def test_a_finished_job_cannot_be_cancelled(api: TestClient) -> None:
    job_id = submitted(api)
    replace_process(job_id, State.DONE)
    answer = api.post(f"/api/v1/jobs/{job_id}/cancel")
    assert answer.status_code == 409
    assert "is done" in answer.json()["detail"]

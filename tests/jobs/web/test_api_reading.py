"""Looking at jobs and following them over HTTP."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from app.jobs.ledger import store
from app.jobs.ledger.models import State
from tests.api_client import new_token
from tests.jobs import samples
from tests.jobs.over_http import GREET, claimed, replace_process, submitted

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = pytest.mark.usefixtures("database")


def test_pages_walk_through_all_jobs_though_more_arrive(api: TestClient) -> None:
    before = {submitted(api) for _ in range(7)}
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = api.get("/api/v1/jobs", params={"limit": 3, **cursor}).json()
        seen += [job["id"] for job in page["jobs"]]
        submitted(api)
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(seen) == 7
    assert set(seen) == before


def test_jobs_are_filtered(api: TestClient) -> None:
    dead, ready = submitted(api), submitted(api)
    replace_process(dead, State.DEAD, error="ValueError: 100% WRONG_")
    secret = {"task": samples.sign_in.name, "arguments": {"user": "a", "password": "b"}}
    other = api.post("/api/v1/jobs", json=secret).json()["id"]

    def found(**params: Any) -> set[str]:
        answer = api.get("/api/v1/jobs", params=params)
        assert answer.status_code == 200, answer.text
        return {job["id"] for job in answer.json()["jobs"]}

    moment = api.get(f"/api/v1/jobs/{ready}").json()["accepted_at"]
    assert found(state="dead") == {dead}
    assert found(state=["dead", "ready"]) == {dead, ready, other}
    assert found(state="running") == set()
    assert found(task=samples.sign_in.name) == {other}
    assert found(queue="maintenance") == {dead, ready}
    assert found(error="100% wrong_") == {dead}
    assert found(error="1%G") == set()
    assert found(accepted_before=moment) == {dead}
    assert found(accepted_after=moment) == {ready, other}


@pytest.mark.parametrize("scopes", [(), ("jobs:read",)], ids=["all", "no task's"])
def test_a_page_of_all_is_the_one_that_a_filter_for_all_gives(
    api: TestClient, scopes: tuple[str, ...]
) -> None:
    kinds: dict[State, dict[str, Any]] = {
        State.DEAD: {"error": "ValueError: no", "attempt": 2, "worker": "here", "release": "a"},
        State.RUNNING: {"progress": {"done": 1, "of": [Decimal(2), None]}, "started_at": datetime.now(UTC)},
        State.DONE: {"progress": {}, "priority": 4},
        State.READY: {"progress": ["of another release"]},
    }
    for state, values in kinds.items():
        replace_process(submitted(api), state, **values)
    transfer = {"task": samples.transfer.name, "arguments": {"iban": "b"}, "run_at": in_an_hour()}
    assert api.post("/api/v1/jobs", json=transfer).status_code == 202
    api.headers["Authorization"] = f"Bearer {new_token(*scopes).secret}"
    for size, count in ((1, 1), (3, 3), (5, 5), (50, 5)):
        asked = {"limit": str(size)}
        found = api.get("/api/v1/jobs", params=asked).json()
        assert len(found["jobs"]) == count
        assert (
            found
            == api.get("/api/v1/jobs", params={**asked, "accepted_after": "2000-01-01T00:00:00Z"}).json()
        )


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "1000000000"},
        {"limit": "x"},
        {"state": "waiting"},
        {"cursor": "nonsense"},
        {"cursor": "fHw="},
        {"cursor": "%"},
        {"cursor": "ü"},
        *(
            {"cursor": base64.urlsafe_b64encode(position.encode()).decode()}
            for position in ("2026-01-01T00:00:00+00:00|a\x00b", "2026-01-01T00:00:00+00:00|", "soon|a")
        ),
        {"sort": "error"},
        {"error": ""},
        {"accepted_after": "yesterday"},
        {"accepted_after": "2026-01-01T00:00:00"},
    ],
)
def test_a_query_that_means_nothing_is_refused_with_its_parameter(
    api: TestClient, params: dict[str, str]
) -> None:
    answer = api.get("/api/v1/jobs", params=params)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["parameter"] == next(iter(params))


@pytest.mark.parametrize("job_id", ["no-such-job", "..%2F..%2Fetc", "%C0%AF", "x" * 150])
def test_an_unknown_job_is_not_found(api: TestClient, job_id: str) -> None:
    for path in ("", "/events"):
        assert api.get(f"/api/v1/jobs/{job_id}{path}").status_code == 404
    for path in ("/retry", "/cancel"):
        assert api.post(f"/api/v1/jobs/{job_id}{path}").status_code == 404


def test_a_job_shows_its_attempts(api: TestClient) -> None:
    job_id = submitted(api)
    claim = claimed(job_id)
    running = api.get(f"/api/v1/jobs/{job_id}").json()
    assert [(attempt["fence"], attempt["outcome"]) for attempt in running["attempts"]] == [(1, None)]
    store.finish(store.connection(), [store.Finish(job_id, claim.fence, '"hello Ada"')])
    done = api.get(f"/api/v1/jobs/{job_id}").json()
    assert (done["state"], done["result"]) == ("done", "hello Ada")
    assert [(attempt["worker"], attempt["outcome"]) for attempt in done["attempts"]] == [("here#1", "done")]


def test_a_jobs_progress_is_followed_to_its_end(api: TestClient) -> None:
    job_id = submitted(api)
    events: list[tuple[str, str]] = []
    with api.stream("GET", f"/api/v1/jobs/{job_id}/events") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                events.append((name, json.loads(line.removeprefix("data: "))["state"]))
                follow_up(job_id, *events[-1])
    assert events == [("job", "ready"), ("job", "running"), ("job", "done"), ("end", "done")]


def follow_up(job_id: str, name: str, state: str) -> None:
    """Take the job one step on, once the step before was told."""
    if (name, state) == ("job", "ready"):
        claimed(job_id)
    elif (name, state) == ("job", "running"):
        store.finish(store.connection(), [store.Finish(job_id, 1, "1")])


def test_tasks_are_listed_with_the_schemas_of_their_arguments(api: TestClient) -> None:
    tasks = {task["name"]: task for task in api.get("/api/v1/tasks").json()}
    greet = tasks[GREET]
    assert (greet["doc"], greet["queue"], greet["public"]) == ("Say hello.", "maintenance", True)
    assert greet["arguments"]["properties"]["times"]["maximum"] == 10
    assert greet["arguments"]["required"] == ["name"]
    assert tasks[samples.sign_in.name]["sensitive"] == ["password"]
    assert tasks[samples.internal.name]["public"] is False

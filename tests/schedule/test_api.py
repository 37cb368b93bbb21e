"""Schedules over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import transaction
from app.schedule.defaults import seed
from tests.api_client import client_for

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]
PATH = "/api/v1/schedules"
RECOMPUTE = "pricing.recompute_all_discounts"
NIGHTLY = {"name": "nightly", "task": RECOMPUTE, "cron": "0 3 * * *", "timezone": "Europe/Berlin"}


@pytest.fixture
def client(redis_url: str) -> TestClient:
    assert redis_url
    with transaction() as session:
        seed(session)
    return client_for("jobs:read", "schedules:write", "pricing:write")


def test_a_schedule_lives_from_its_making_to_its_deletion(client: TestClient) -> None:
    made = client.post(PATH, json=NIGHTLY)
    assert (made.status_code, made.headers["Location"]) == (201, f"{PATH}/nightly")
    assert client.post(PATH, json=NIGHTLY).json()["code"] == "schedule_name_taken"
    changed = client.patch(f"{PATH}/nightly", json={"at": None, "every_seconds": 60, "enabled": False}).json()
    assert (changed["cron"], changed["every_seconds"], changed["next_fire_at"]) == (None, 60, None)
    assert len(client.get(f"{PATH}/nightly/preview", params={"count": 4}).json()["moments"]) == 4
    job = client.post(f"{PATH}/nightly/fire").json()
    assert client.get(job["url"]).json()["task"] == RECOMPUTE
    assert client.get(f"{PATH}/nightly/runs").json()[0]["job_id"] == job["id"]
    assert client.delete(f"{PATH}/nightly").status_code == 204
    assert client.get(f"{PATH}/nightly").json()["code"] == "unknown_schedule"


def test_a_default_is_edited_and_set_back_but_not_deleted(client: TestClient) -> None:
    declared = client.get(f"{PATH}/{RECOMPUTE}").json()
    edited = client.patch(f"{PATH}/{RECOMPUTE}", json={"cron": "30 3 * * *"}).json()
    assert (edited["edited"], edited["cron"]) == (True, "30 3 * * *")
    assert client.delete(f"{PATH}/{RECOMPUTE}").json()["code"] == "default_schedule"
    assert client.post(f"{PATH}/{RECOMPUTE}/reset").json()["cron"] == declared["cron"]
    client.post(PATH, json=NIGHTLY)
    assert client.post(f"{PATH}/nightly/reset").json()["code"] == "no_default"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cron": "* * * * * *"}, "6 fields"),
        ({"cron": ""}, "0 fields"),
        ({"cron": "0 3 * * *\n"}, None),
        ({"cron": "\uff19 \uff19 * * *"}, "not usable"),
        ({"cron": "0 3 * * *" + " " * 300}, "at most 200"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
        ({"timezone": "../../etc/passwd"}, "no time zone"),
        ({"every_seconds": 60}, "cron and every_seconds"),
        ({"cron": None}, "nothing of it is given"),
        ({"at": "2031-01-01T00:00:00", "cron": None}, "RFC 3339"),
        ({"starts_at": "2031-01-01T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"}, "before starts_at"),
        ({"ends_at": "2025-01-01T00:00:00Z"}, "would never fire"),
        ({"starts_at": "0001-01-01T00:00:00Z"}, "within 3660 days"),
        ({"jitter_seconds": 10**18}, "less than or equal"),
        ({"jitter_seconds": -1}, "greater than or equal"),
        ({"grace_seconds": 1.5}, "whole number"),
        ({"queue": "nobody"}, "nobody"),
        ({"queue": "a\u0000b"}, "NUL"),
        ({"arguments": {"days_threshold": "soon"}}, "days_threshold"),
        ({"arguments": {"colour": "red"}}, "colour"),
        ({"overlap": "sometimes"}, "allow"),
        ({"priority": "10"}, "urgent"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_is_refused_with_one_sentence(
    client: TestClient, change: dict[str, Any], said: str | None
) -> None:
    answer = client.post(PATH, json=NIGHTLY | change)
    if said is None:
        assert answer.status_code == 201
        return
    assert answer.status_code in (400, 422)
    assert said in answer.text
    assert client.get(f"{PATH}/nightly").status_code == 404


def test_a_task_that_is_not_public_is_scheduled_by_its_operator_only(client: TestClient) -> None:
    answer = client.post(PATH, json=NIGHTLY | {"task": "pricing.cleanup_expired_discounts"})
    assert answer.json()["code"] == "not_public"


def test_the_scope_of_the_task_is_asked_for_beside_that_of_schedules(client: TestClient) -> None:
    client.post(PATH, json=NIGHTLY | {"arguments": {"days_threshold": 7}})
    other = client_for("jobs:read", "schedules:write")
    for answer in (
        other.post(PATH, json=NIGHTLY | {"name": "other"}),
        other.patch(f"{PATH}/nightly", json={"enabled": False}),
        other.post(f"{PATH}/nightly/fire"),
        other.post(f"{PATH}/nightly/reset"),
        other.delete(f"{PATH}/nightly"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert other.get(f"{PATH}/nightly").json()["arguments"] == {"days_threshold": "***"}
    reader = client_for("jobs:read", "pricing:write")
    assert reader.patch(f"{PATH}/nightly", json={"enabled": False}).status_code == 403
    assert client.get(f"{PATH}/nightly").json()["enabled"] is True

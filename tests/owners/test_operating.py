"""Those who operate the service run jobs and schedules, and read nothing of people in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.db.sessions import transaction
from app.domains.accounts import administration
from app.domains.accounts.roles import Role
from app.schedule.models import ScheduleRun
from tests.api_client import client_for
from tests.owners import belongings
from tests.owners.routes import JOBS, SCHEDULES, ask, routes

if TYPE_CHECKING:
    from tests.owners.belongings import Belongings


pytestmark = pytest.mark.databases("sqlite")


READABLE = ("pricing:read", "metrics:read", "catalog:read", "jobs:read")


def test_a_viewer_has_no_part_in_operating(ann: Belongings, bob: Belongings) -> None:
    client = ann.client()
    for route in routes():
        if route.by_scope and route.asks[0][0] not in READABLE:
            answer = ask(client, route, bob.ids)
            assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope"), route


def test_a_viewer_sees_jobs_and_reads_nothing_of_people(ann: Belongings, bob: Belongings) -> None:
    client, path = ann.client(), f"{JOBS}/{bob.ids['job_id']}"
    seen = client.get(path)
    assert (seen.json()["state"], seen.json()["error"]) == ("dead", "UserNotFound")
    assert set(seen.json()["arguments"].values()) == {"***"}
    for route in routes():
        if route.by_scope and route.asks[0][0] == "jobs:read":
            assert route.method == "GET", route
            assert "canary-bob" not in ask(client, route, bob.ids).text, route
    for url in (f"{JOBS}?error=nobody", f"{JOBS}/events"):
        assert bob.ids["job_id"] not in client.get(url).text, url


def test_an_operator_runs_jobs_and_reads_nothing_of_people(ann: Belongings, bob: Belongings) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=Role.OPERATOR)
    client, path = ann.client(), f"{JOBS}/{bob.ids['job_id']}"
    seen = client.get(path)
    assert "canary-bob" not in seen.text
    assert (seen.json()["state"], seen.json()["error"]) == ("dead", "UserNotFound")
    assert set(seen.json()["arguments"].values()) == {"***"}
    for url in (
        JOBS,
        f"{path}/events",
        f"{JOBS}?error=nobody",
        f"{JOBS}?task=notifications.send_notification",
    ):
        text = client.get(url).text
        assert "canary-bob" not in text, url
        assert (bob.ids["job_id"] in text) == ("nobody" not in url), url
    by_error = client.post(f"{JOBS}/retry", json={"error": "canary-bob"})
    assert by_error.json() == {"retried": 0, "more": False}
    retried = client.post(f"{path}/retry")
    assert (retried.status_code, retried.json()["state"]) == (200, "ready")
    assert "canary-bob" not in retried.text
    cancelled = client.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert "canary-bob" not in cancelled.text
    assert "canary-bob" in client_for().get(path).text


def test_an_operator_does_not_read_in_schedules_what_is_personal(ann: Belongings, bob: Belongings) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=Role.OPERATOR)
    made = {"name": "evening", "task": "notifications.send_notification", "cron": "0 18 * * *"}
    of_bob = {"user_id": bob.user, "type": "greeting", "title": bob.word, "message": bob.word}
    assert client_for().post(SCHEDULES, json=made | {"arguments": of_bob}).status_code == 201
    run = {"schedule": "evening", "moment": belongings.AT, "fired_at": belongings.AT, "outcome": "dead"}
    with transaction() as session:
        session.add(ScheduleRun(error=f"UserNotFound: {bob.word} is nobody", **run))
    for path in (SCHEDULES, f"{SCHEDULES}/evening", f"{SCHEDULES}/evening/runs"):
        assert bob.word in client_for().get(path).text
        assert bob.word not in ann.client().get(path).text, path
    changed = ann.client().patch(f"{SCHEDULES}/evening", json={"enabled": False})
    assert (changed.status_code, bob.word in changed.text) == (200, False)
    [seen] = ann.client().get(f"{SCHEDULES}/evening/runs").json()
    assert seen["error"] == "UserNotFound"

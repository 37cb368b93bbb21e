"""Messages over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.ledger.models import Job
from tests.api_client import client_for
from tests.domains.notifications import people

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]

PATH = "/api/v1/notify"


@pytest.fixture
def api(database: object) -> TestClient:
    return client_for("notifications:write")


@pytest.fixture
def user(database: object) -> int:
    return people.add_user()


def jobs() -> list[dict[str, Any]]:
    with reading() as session:
        return [dict(kwargs) for kwargs in session.scalars(select(Job.kwargs))]


def test_a_message_becomes_a_job(api: TestClient, user: int) -> None:
    answer = api.post(PATH, json={"user_id": user, "message": "Hello"})
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/jobs/{answer.json()['job_id']}"
    assert jobs() == [{"user_id": user, "message": "Hello"}]


def test_what_is_sent_again_under_its_key_is_one_job(api: TestClient, user: int) -> None:
    first, again = (
        api.post(PATH, json={"user_id": user, "message": "Hello"}, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    )
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert len(jobs()) == 1
    other = api.post(PATH, json={"user_id": user, "message": "Bye"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_id": 0},
        {"user_id": 2**63},
        {"user_id": True},
        {"user_id": None},
        {"message": ""},
        {"message": " "},
        {"message": "a\x00b"},
        {"message": "x" * 5_001},
        {"message": 1},
        {"extra": 1},
    ],
)
def test_what_cannot_be_sent_is_refused(api: TestClient, user: int, wrong: dict[str, object]) -> None:
    answer = api.post(PATH, json={"user_id": user, "message": "Hello"} | wrong)
    assert (answer.status_code, jobs()) == (422, [])


def test_a_user_who_is_not_there_is_said_to_be_so(api: TestClient) -> None:
    assert api.post(PATH, json={"user_id": 4711, "message": "Hello"}).status_code == 404


def test_it_needs_the_scope(user: int) -> None:
    answer = client_for("notifications:read").post(PATH, json={"user_id": user, "message": "Hello"})
    assert (answer.status_code, jobs()) == (403, [])

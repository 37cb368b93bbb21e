"""The accounts API."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.ledger.models import Job
from tests.api_client import client_for

if TYPE_CHECKING:
    from sqlalchemy import Engine

pytestmark = pytest.mark.databases("sqlite")

REGISTER = "/api/v1/users/register"
ANN = {"email": "ann@example.org", "name": "Ann", "timezone": "Europe/Berlin"}


def test_a_user_registers_and_is_to_be_welcomed(database: Engine) -> None:
    client = client_for("users:write", "users:read")
    made = client.post(REGISTER, json=ANN)
    assert made.status_code == HTTPStatus.CREATED
    user = made.json()
    assert made.headers["Location"] == f"/api/v1/users/{user['id']}"
    assert client.get(made.headers["Location"]).json() == user
    assert user["preferences"] == {"channels": {}, "quiet_hours": None}
    with reading() as session:
        assert session.scalars(select(Job.task)).all() == ["accounts.send_welcome_email"]


def test_an_address_that_is_taken_is_a_conflict(database: Engine) -> None:
    client = client_for("users:write")
    client.post(REGISTER, json=ANN)
    again = client.post(REGISTER, json=ANN | {"email": "ANN@example.org"})
    assert (again.status_code, again.json()["code"]) == (HTTPStatus.CONFLICT, "email_taken")


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"email": "ann"}, "#/email"),
        ({"email": "ann@example.org\nBcc: x@y.org"}, "#/email"),
        ({"name": ""}, "#/name"),
        ({"locale": "English"}, "#/locale"),
        ({"password": "x"}, "#/password"),
    ],
)
def test_what_is_no_registration_is_refused_by_field(
    database: Engine, wrong: dict[str, str], pointer: str
) -> None:
    answer = client_for("users:write").post(REGISTER, json=ANN | wrong)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_preferences_are_changed_as_a_whole(database: Engine) -> None:
    client = client_for("users:write", "users:read")
    place = client.post(REGISTER, json=ANN).headers["Location"]
    chosen = {
        "channels": {"bill_reminder": ["push", "in_app"]},
        "quiet_hours": {"start": "22:00:00", "end": "07:00:00"},
    }
    assert client.patch(place, json={"preferences": chosen}).json()["preferences"] == chosen
    for start in ("22:00Z", "22:00:00+02:00"):
        zoned = {"quiet_hours": {"start": start, "end": "07:00"}}
        refused = client.patch(place, json={"preferences": zoned})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/preferences")
        assert "without a zone" in refused.json()["detail"]
    assert client.patch(place, json={"timezone": "Mars/Base"}).json()["code"] == "unknown_timezone"
    assert client.get(place).json()["timezone"] == "Europe/Berlin"


def test_a_user_that_is_not_there_is_not_found(database: Engine) -> None:
    answer = client_for("users:read").get("/api/v1/users/99")
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.NOT_FOUND, "user_not_found")

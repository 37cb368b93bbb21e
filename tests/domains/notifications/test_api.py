"""Notifications over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading
from app.jobs.ledger.models import Job
from tests.api_client import anonymous, client_for
from tests.domains.notifications import people
from tests.domains.notifications.attempts import hand_on

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]


@pytest.fixture
def api(database: object) -> TestClient:
    return client_for("notifications:read", "notifications:write")


@pytest.fixture
def user(database: object) -> int:
    return people.add_user()


def path(user: int, rest: str = "") -> str:
    return f"/api/v1/users/{user}/notifications{rest}"


def test_the_inbox_comes_in_pages_with_the_newest_first(api: TestClient, user: int) -> None:
    ids = [people.tell(user, key=str(number)) for number in range(5)]
    people.tell(people.add_user(), key="other")
    first = api.get(path(user), params={"limit": 3}).json()
    second = api.get(path(user), params={"limit": 3, "cursor": first["next"]}).json()
    assert [one["id"] for one in first["notifications"] + second["notifications"]] == ids[::-1]
    assert second["next"] is None


def test_a_notification_shows_its_channels_and_what_became_of_its_mail(api: TestClient, user: int) -> None:
    told = people.tell(user)
    hand_on(told)
    [shown] = api.get(path(user)).json()["notifications"]
    assert (shown["title"], shown["body"]) == ("Rent is due", "Pay 800.00 EUR.")
    states = {one["channel"]: (one["state"], one["mail"]) for one in shown["channels"]}
    assert states == {"email": ("sent", "waiting"), "in_app": ("sent", None)}


def test_reading_lowers_the_count(api: TestClient, user: int) -> None:
    first, second = people.tell(user, key="a"), people.tell(user, key="b")
    assert api.get(path(user, "/unread-count")).json() == {"count": 2, "newest_id": second}
    assert api.post(path(user, f"/{first}/read")).json()["read_at"] is not None
    assert [one["id"] for one in api.get(path(user), params={"unread": True}).json()["notifications"]] == [
        second
    ]
    assert api.post(path(user, "/read-all")).json() == {"marked": 1}
    assert api.get(path(user, "/unread-count")).json()["count"] == 0


def test_sending_becomes_a_job(api: TestClient, user: int) -> None:
    answer = api.post(path(user), json={"type": "greeting", "title": "Hello", "message": "How are you?"})
    assert answer.status_code == 202
    with reading() as session:
        job = session.get_one(Job, answer.json()["job_id"])
    assert job.task == "notifications.send_notification"
    assert job.kwargs == {
        "user_id": user,
        "type": "greeting",
        "title": "Hello",
        "message": "How are you?",
        "channels": ["email", "in_app"],
    }


@pytest.mark.parametrize(
    "wrong",
    [{"type": "Not A Type"}, {"title": ""}, {"channels": ["fax"]}, {"extra": 1}, {"message": "x" * 5_001}],
)
def test_what_cannot_be_sent_is_refused(api: TestClient, user: int, wrong: dict[str, object]) -> None:
    body = {"type": "greeting", "title": "Hello", "message": "How are you?"} | wrong
    assert api.post(path(user), json=body).status_code == 422


@pytest.mark.parametrize("rest", ["", "/unread-count", "/events"])
def test_an_unknown_user_is_not_found(api: TestClient, rest: str) -> None:
    answer = api.get(path(4711, rest))
    assert (answer.status_code, answer.json()["code"]) == (404, "user_not_found")


def test_a_device_is_registered_once_and_its_address_never_shown(api: TestClient, user: int) -> None:
    devices = f"/api/v1/users/{user}/push-endpoints"
    given = {"platform": "fcm", "address": "a-registration-token"}
    first, second = api.post(devices, json=given), api.post(devices, json=given)
    assert (first.status_code, first.json()["id"]) == (201, second.json()["id"])
    listed = api.get(devices)
    assert len(listed.json()["push_endpoints"]) == 1
    assert "a-registration-token" not in first.text + listed.text
    assert api.delete(f"{devices}/{first.json()['id']}").status_code == 204
    assert api.delete(f"{devices}/{first.json()['id']}").status_code == 404


def test_a_device_belongs_to_who_registered_it_last(api: TestClient, user: int) -> None:
    given = {"platform": "sns", "address": "arn:aws:sns:eu-central-1:1:endpoint/GCM/app/1"}
    other = people.add_user()
    api.post(f"/api/v1/users/{user}/push-endpoints", json=given)
    api.post(f"/api/v1/users/{other}/push-endpoints", json=given)
    assert api.get(f"/api/v1/users/{user}/push-endpoints").json() == {"push_endpoints": []}
    assert len(api.get(f"/api/v1/users/{other}/push-endpoints").json()["push_endpoints"]) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"platform": "sns", "address": "a-registration-token"},
        {"platform": "fcm", "address": "arn:aws:sns:eu-central-1:1:endpoint/GCM/app/1"},
        {"platform": "fcm", "address": "with space"},
        {"platform": "pigeon", "address": "x"},
    ],
)
def test_an_address_that_cannot_be_one_is_refused(api: TestClient, user: int, given: dict[str, str]) -> None:
    assert api.post(f"/api/v1/users/{user}/push-endpoints", json=given).status_code == 422


def test_a_user_has_so_many_devices_and_no_more(api: TestClient, user: int) -> None:
    devices = f"/api/v1/users/{user}/push-endpoints"
    answers = [
        api.post(devices, json={"platform": "fcm", "address": f"token-{number}"}).status_code
        for number in range(21)
    ]
    assert answers == [201] * 20 + [409]
    assert len(api.get(devices).json()["push_endpoints"]) == 20


def test_each_route_asks_for_its_scope(user: int) -> None:
    reader = client_for("notifications:read")
    assert reader.get(path(user)).status_code == 200
    assert reader.post(path(user, "/read-all")).status_code == 403
    assert client_for("notifications:write").get(path(user)).status_code == 403
    assert anonymous().get(path(user)).status_code == 401

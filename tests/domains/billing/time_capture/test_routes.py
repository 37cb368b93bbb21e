"""The routes of time entries: what they take, and what they say of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api_client import client_for
from tests.domains.billing import trade

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

    from tests.domains.billing.trade import Trade

BILLING = "/api/v1/billing"
ONE = pytest.mark.databases("sqlite")
WORK: dict[str, Any] = {
    "started_at": "2026-03-02T09:00",
    "ended_at": "2026-03-02T17:30",
    "description": " Entwürfe, 設計 ",
}


@pytest.fixture
def made(database: Engine) -> Trade:
    return trade.set_up()


@pytest.fixture
def api(made: Trade) -> TestClient:
    return client_for("billing:read", "billing:write")


def test_time_is_entered_changed_approved_and_reopened(api: TestClient, made: Trade) -> None:
    path = f"{BILLING}/projects/{made.project}/entries"
    created = api.post(path, json=WORK | {"user_id": made.admin})
    assert created.status_code == 201, created.text
    entry = created.json()
    assert entry["started_at"] == "2026-03-02T08:00:00Z"
    assert (entry["seconds"], entry["state"], entry["is_billable"]) == (30_600, "pending", True)
    assert (entry["description"], entry["client_id"]) == ("Entwürfe, 設計", made.client)
    at = f"{BILLING}/entries/{entry['id']}"
    changed = api.put(at, json=WORK | {"ended_at": "2026-03-02T10:00", "description": ""}).json()
    assert (changed["seconds"], changed["description"]) == (3_600, "")
    assert api.post(f"{at}/approve").json()["state"] == "approved"
    refused = api.put(at, json=WORK)
    assert (refused.status_code, refused.json()["code"]) == (409, "entry_decided")
    assert api.post(f"{at}/reopen").json()["state"] == "pending"
    rejected = api.post(f"{at}/reject", json={"reason": " Not ours "}).json()
    assert (rejected["state"], rejected["reason"], rejected["decided_by"]) == ("rejected", "Not ours", None)
    assert api.get(at).json() == rejected


def test_what_is_not_billable_is_seen_and_said_to_be_so(api: TestClient, made: Trade) -> None:
    project = made.add_project("Inside", is_billable=False)
    created = api.post(f"{BILLING}/projects/{project}/entries", json=WORK | {"user_id": made.admin}).json()
    assert created["is_billable"] is False
    assert api.post(f"{BILLING}/entries/{created['id']}/approve").json()["state"] == "approved"
    listed = api.get(f"{BILLING}/tenants/{made.tenant}/entries").json()["entries"]
    assert [(one["id"], one["is_billable"]) for one in listed] == [(created["id"], False)]


@ONE
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"started_at": "2026-03-29T02:30"}, "never was in Europe/Berlin"),
        ({"started_at": "2025-10-26T02:30"}, "2025-10-26T02:30+02:00 or 2025-10-26T02:30+01:00"),
        ({"started_at": "yesterday"}, '"yesterday" is not a time'),
        ({"started_at": "x" * 41}, "started_at: String should have at most 40 characters"),
        ({"started_at": 1_772_438_400}, "started_at: Input should be a valid string"),
        ({"ended_at": "2026-03-02T08:59"}, "The new entry starts at"),
        ({"ended_at": "2026-05-02T08:59"}, "The new entry is 1463 hours long, and 744 is the most"),
        ({"timezone": "Berlin"}, 'There is no time zone "Berlin"'),
        ({"timezone": ""}, "timezone: String should have at least 1 character"),
        ({"description": "x" * 1_001}, "description: String should have at most 1000 characters"),
        ({"description": "a\u0007"}, "description: it holds the control character U+0007"),
        ({"description": "\0"}, "description: A string holds"),
        ({"user_id": 4711}, "User 4711 is no member"),
        ({"user_id": None}, "Say who worked"),
        ({"state": "approved"}, "state: Extra inputs are not permitted"),
    ],
)
def test_what_nobody_worked_is_not_entered(
    api: TestClient, made: Trade, changed: dict[str, Any], says: str
) -> None:
    body = WORK | {"user_id": made.admin} | changed
    answer = api.post(f"{BILLING}/projects/{made.project}/entries", json=body)
    assert answer.status_code == 422, answer.text
    assert says in answer.json()["detail"]
    assert api.get(f"{BILLING}/tenants/{made.tenant}/entries").json()["entries"] == []


def test_entries_are_listed_by_what_one_looks_for(api: TestClient, made: Trade) -> None:
    ann, other = made.join(), made.add_project("Other")
    first = made.add_entry()
    of_ann = made.add_entry(worker=ann)
    of_other = made.add_entry(project_id=other, state="approved")
    april = made.add_entry("2026-04-01T00:00:00+02:00", "2026-04-01T01:00:00+02:00")
    trade.set_up(name="Else").add_entry()
    path = f"{BILLING}/tenants/{made.tenant}/entries"
    for query, found in (
        ({}, [april, of_other, of_ann, first]),
        ({"user_id": ann}, [of_ann]),
        ({"project_id": other}, [of_other]),
        ({"client_id": made.client, "state": "pending"}, [april, of_ann, first]),
        ({"period": "2026-03"}, [of_other, of_ann, first]),
        ({"period": "2026-04", "user_id": made.admin}, [april]),
        ({"period": "2027-01"}, []),
        ({"client_id": 4711}, []),
    ):
        assert [one["id"] for one in api.get(path, params=query).json()["entries"]] == found, query


@ONE
def test_entries_come_in_full_pages(api: TestClient, made: Trade) -> None:
    ids = [made.add_entry() for _ in range(5)]
    seen: list[int] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = api.get(f"{BILLING}/tenants/{made.tenant}/entries", params=query).json()
        seen += [one["id"] for one in page["entries"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == ids[::-1]


@ONE
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"period": "2026-13"}, "'2026-13' is not a billing period"),
        ({"period": "9999-01"}, "The billing period is in the year 9999"),
        ({"period": "x" * 41}, "period: String should have at most 40 characters"),
        ({"state": "lost"}, "state: Input should be 'pending', 'approved', 'rejected' or 'billed'"),
        ({"user_id": "0"}, "user_id: Input should be greater than or equal to 1"),
    ],
)
def test_what_nobody_can_look_for(api: TestClient, made: Trade, query: dict[str, Any], says: str) -> None:
    answer = api.get(f"{BILLING}/tenants/{made.tenant}/entries", params=query)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_many_are_approved_by_ids_and_by_month(api: TestClient, made: Trade) -> None:
    first, second, third = made.add_entry(), made.add_entry(), made.add_entry(state="billed")
    path = f"{BILLING}/tenants/{made.tenant}/entries"
    by_ids = api.post(f"{path}/approve", json={"ids": [first, 4711]}).json()
    assert by_ids == {
        "decided": 1,
        "unchanged": 0,
        "refused": 1,
        "why": [
            {
                "entry_id": 4711,
                "code": "entry_not_found",
                "detail": "There is no time entry with the id 4711.",
            }
        ],
        "next": None,
    }
    wanted = {"period": "2026-03", "upto_id": second}
    by_month = api.post(f"{path}/approve", json={"wanted": wanted}).json()
    assert (by_month["decided"], by_month["unchanged"], by_month["refused"]) == (1, 1, 0)
    rejected = api.post(f"{path}/reject", json={"wanted": {}, "reason": "No"}).json()
    assert (rejected["decided"], rejected["refused"]) == (0, 3)
    assert [one["entry_id"] for one in rejected["why"]] == [first, second, third]


@ONE
@pytest.mark.parametrize(
    ("what", "body", "says"),
    [
        ("approve", {}, "give either ids or wanted"),
        ("approve", {"ids": [1], "wanted": {}}, "give either ids or wanted"),
        ("approve", {"ids": []}, "ids: List should have at least 1 item"),
        ("approve", {"ids": [1] * 1_001}, "ids: List should have at most 1000 items"),
        ("approve", {"ids": [0]}, "ids/0: Input should be greater than or equal to 1"),
        ("approve", {"wanted": {"period": "March"}}, "'March' is not a billing period"),
        ("approve", {"wanted": {"states": []}}, "wanted/states: Extra inputs are not permitted"),
        ("reject", {"ids": [1]}, "reason: Field required"),
        ("reject", {"ids": [1], "reason": " "}, "reason: String should have at least 1 character"),
        ("reject", {"ids": [1], "reason": "x" * 501}, "reason: String should have at most 500 characters"),
    ],
)
def test_what_cannot_be_decided(
    api: TestClient, made: Trade, what: str, body: dict[str, Any], says: str
) -> None:
    answer = api.post(f"{BILLING}/tenants/{made.tenant}/entries/{what}", json=body)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


@ONE
def test_an_entry_of_nobody_is_not_found(api: TestClient) -> None:
    for method, path in (("GET", ""), ("PUT", ""), ("POST", "/approve"), ("POST", "/reopen")):
        body = WORK if method == "PUT" else None
        answer = api.request(method, f"{BILLING}/entries/4711{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "entry_not_found")
    assert api.get(f"{BILLING}/tenants/4711/entries").json()["code"] == "tenant_not_found"

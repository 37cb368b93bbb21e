"""Banking over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.domains.banking.sync import requests
from tests.api_client import client_for
from tests.domains.banking.linking import Home, household, item_row, jobs, link, run_sync, user
from tests.fakes.plaid.history import Tx

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.testclient import TestClient

    from tests.fakes.plaid import FakePlaid

pytestmark = pytest.mark.databases("sqlite")

HOUSEHOLDS = "/api/v1/banking/households"


@pytest.fixture
def api(plaid: FakePlaid) -> TestClient:
    return client_for("banking:read", "banking:write")


@pytest.fixture
def home(plaid: FakePlaid) -> Home:
    return household()


def test_a_household_is_created(api: TestClient) -> None:
    ada, bob = user("Ada"), user("Bob")
    members = [{"user_id": ada, "role": "admin"}, {"user_id": bob}]
    answer = api.post(HOUSEHOLDS, json={"name": "Home", "currency": "EUR", "members": members})
    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["currency"]) == ("Home", "EUR")


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "euro"},
        {"name": ""},
        {"members": []},
        {"members": [{"user_id": 4711, "role": "admin"}]},
        {"members": [{"user_id": 1, "role": "member"}]},
        {"members": [{"user_id": 1, "role": "admin"}, {"user_id": 1, "role": "member"}]},
        {"members": [{"user_id": 1, "role": "owner"}]},
        {"colour": "blue"},
    ],
)
def test_a_household_that_cannot_be_is_refused(api: TestClient, wrong: dict[str, Any]) -> None:
    good = {"name": "Home", "currency": "EUR", "members": [{"user_id": user(), "role": "admin"}]}
    answer = api.post(HOUSEHOLDS, json=good | wrong)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_from_link_token_to_linked_bank(api: TestClient, home: Home, plaid: FakePlaid) -> None:
    token = api.post(f"{HOUSEHOLDS}/{home.id}/link-token", json={"user_id": home.member})
    assert token.status_code == 200
    assert token.json()["link_token"].startswith("link-sandbox-")
    item = plaid.bank.new_item()
    given = {"public_token": plaid.bank.public_token(item)}
    answer = api.post(f"{HOUSEHOLDS}/{home.id}/items", json=given)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["institution"], made["status"]) == ("First Platypus Bank", "active")
    assert item.access_token not in answer.text
    assert [job.kwargs for job in jobs(requests.SYNC_TASK)] == [{"item_id": made["id"]}]
    again = api.post(f"{HOUSEHOLDS}/{home.id}/items", json=given)
    assert (again.status_code, again.json()["code"]) == (422, "plaid_refused")
    listed = api.get(f"{HOUSEHOLDS}/{home.id}/items").json()
    assert listed == {"items": [made], "next": None}


def test_accounts_and_transactions_come_in_pages(api: TestClient, home: Home, plaid: FakePlaid) -> None:
    item = plaid.bank.new_item()
    for number in range(5):
        item.add(Tx(id=f"t{number}", account_id=item.account.id, cents=-number))
    run_sync(link(item, home))
    first = api.get(f"{HOUSEHOLDS}/{home.id}/accounts", params={"limit": 1}).json()
    second = api.get(f"{HOUSEHOLDS}/{home.id}/accounts", params={"cursor": first["next"]}).json()
    assert [one["name"] for one in first["accounts"] + second["accounts"]] == ["Checking", "Saving"]
    assert second["next"] is None
    path = f"/api/v1/banking/accounts/{first['accounts'][0]['id']}/transactions"
    page = api.get(path, params={"limit": 3}).json()
    rest = api.get(path, params={"limit": 3, "cursor": page["next"]}).json()
    assert [row["amount"] for row in page["transactions"] + rest["transactions"]] == [
        "0.04",
        "0.03",
        "0.02",
        "0.01",
        "0.00",
    ]
    assert rest["next"] is None


def test_a_sync_is_asked_for_and_can_be_followed(api: TestClient, home: Home, plaid: FakePlaid) -> None:
    item_id = link(plaid.bank.new_item(), home)
    run_sync(item_id)
    answer = api.post(f"/api/v1/banking/items/{item_id}/sync")
    assert answer.status_code == 202
    again = api.post(f"/api/v1/banking/items/{item_id}/sync")
    assert again.json()["job_id"] == answer.json()["job_id"]
    followed = api.get(answer.headers["Location"]).json()
    assert (followed["id"], followed["state"]) == (answer.json()["job_id"], "ready")
    other = link(plaid.bank.new_item(), household())
    elsewhere = api.get(answer.headers["Location"].replace(f"/items/{item_id}/", f"/items/{other}/"))
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "sync_not_found")


def test_a_connection_is_checked_when_its_user_has_mended_it(
    api: TestClient, home: Home, plaid: FakePlaid
) -> None:
    item = plaid.bank.new_item()
    item_id = link(item, home)
    item.error = "ITEM_LOGIN_REQUIRED"
    assert api.post(f"/api/v1/banking/items/{item_id}/check").json()["status"] == "login_required"
    token = api.post(
        f"{HOUSEHOLDS}/{home.id}/link-token", json={"user_id": home.admins[0], "item_id": item_id}
    )
    assert token.status_code == 200
    item.error = None
    assert api.post(f"/api/v1/banking/items/{item_id}/check").json()["status"] == "active"
    assert item_row(item_id).repairs == 1


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", f"{HOUSEHOLDS}/4711/items", "household_not_found"),
        ("GET", f"{HOUSEHOLDS}/4711/accounts", "household_not_found"),
        ("GET", "/api/v1/banking/accounts/4711/transactions", "account_not_found"),
        ("POST", "/api/v1/banking/items/4711/sync", "item_not_found"),
        ("POST", "/api/v1/banking/items/4711/check", "item_not_found"),
    ],
)
def test_what_does_not_exist_is_404(api: TestClient, method: str, path: str, code: str) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_another_household_s_bank_cannot_be_mended(api: TestClient, home: Home, plaid: FakePlaid) -> None:
    theirs = link(plaid.bank.new_item(), household())
    answer = api.post(f"{HOUSEHOLDS}/{home.id}/link-token", json={"user_id": home.member, "item_id": theirs})
    assert (answer.status_code, answer.json()["code"]) == (404, "item_not_found")


def test_while_plaid_is_away_a_client_may_come_back(api: TestClient, home: Home, plaid: FakePlaid) -> None:
    plaid.faults.break_down("/link/token/create")
    answer = api.post(f"{HOUSEHOLDS}/{home.id}/link-token", json={"user_id": home.member})
    assert (answer.status_code, answer.json()["code"]) == (503, "plaid_unavailable")
    assert answer.headers["Retry-After"]


def test_without_keys_the_answer_says_what_to_set(
    api: TestClient, home: Home, configure: Callable[..., None]
) -> None:
    configure(plaid_client_id="")
    answer = api.post(f"{HOUSEHOLDS}/{home.id}/link-token", json={"user_id": home.member})
    assert (answer.status_code, answer.json()["code"]) == (503, "plaid_not_configured")
    assert "GROUNDWORK_PLAID_CLIENT_ID" in answer.json()["detail"]

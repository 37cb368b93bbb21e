"""Bills and budgets over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.api_client import anonymous, client_for
from tests.domains.banking import home

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.domains.banking.home import Home

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]

RENT = {
    "name": "Rent",
    "amount": "800.00",
    "currency": "EUR",
    "rule": "monthly",
    "next_due": "2026-02-28",
    "due_day": 31,
    "autopay": False,
}


@pytest.fixture
def api(database: object) -> TestClient:
    return client_for("banking:read", "banking:write")


@pytest.fixture
def flat(database: object) -> Home:
    return home.move_in()


def path(flat: Home, rest: str) -> str:
    return f"/api/v1/banking/households/{flat.id}/{rest}"


def test_a_bill_is_kept_changed_paid_and_forgotten(api: TestClient, flat: Home) -> None:
    made = api.post(path(flat, "bills"), json=RENT)
    assert (made.status_code, made.json()) == (201, RENT | {"id": made.json()["id"]})
    bill = path(flat, f"bills/{made.json()['id']}")
    assert api.put(bill, json=RENT | {"amount": "850.50"}).json()["amount"] == "850.50"
    for _ in range(2):
        assert api.post(f"{bill}/paid", json={"due": "2026-02-28"}).json()["next_due"] == "2026-03-31"
    assert api.post(f"{bill}/paid", json={"due": "2026-04-30"}).json()["code"] == "not_due_then"
    assert api.get(bill).json()["next_due"] == "2026-03-31"
    assert api.delete(bill).status_code == 204
    assert (api.get(bill).status_code, api.get(bill).json()["code"]) == (404, "bill_not_found")


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 800.0},
        {"amount": "0.00"},
        {"amount": "-1"},
        {"amount": "1e3"},
        {"amount": "1.234"},
        {"amount": "10.50", "currency": "JPY"},
        {"currency": "euro"},
        {"rule": "hourly"},
        {"next_due": "2026-02-30"},
        {"next_due": "9999-12-31"},
        {"next_due": "2026-02-27"},
        {"due_day": 32},
        {"name": "  "},
        {"name": "two\nlines"},
        {"colour": "red"},
    ],
)
def test_a_bill_that_cannot_be_is_refused(api: TestClient, flat: Home, wrong: dict[str, Any]) -> None:
    assert api.post(path(flat, "bills"), json=RENT | wrong).status_code == 422
    assert api.get(path(flat, "bills")).json() == {"bills": [], "next": None}


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "800"), ("KWD", "8.001"), ("EUR", "8.10")])
def test_amounts_are_exact_in_every_currency(api: TestClient, flat: Home, currency: str, amount: str) -> None:
    made = api.post(path(flat, "bills"), json=RENT | {"currency": currency, "amount": amount}).json()
    assert (made["amount"], made["currency"]) == (amount, currency)


def test_a_budget_is_kept_changed_and_forgotten(api: TestClient, flat: Home) -> None:
    category = flat.category("Food")
    made = api.post(
        path(flat, "budgets"), json={"category_id": category, "period": "month", "amount": "300.00"}
    )
    usual = {"thresholds": [80, 100], "include_pending": True, "is_active": True, "currency": "EUR"}
    given = {"category_id": category, "period": "month", "amount": "300.00"}
    assert (made.status_code, made.json()) == (201, usual | given | {"id": made.json()["id"]})
    budget = path(flat, f"budgets/{made.json()['id']}")
    changed = api.put(budget, json={"amount": "350.00", "thresholds": [100, 50], "is_active": False}).json()
    assert (changed["amount"], changed["thresholds"], changed["is_active"]) == ("350.00", [50, 100], False)
    again = {"category_id": category, "period": "month", "amount": "1.00"}
    assert api.post(path(flat, "budgets"), json=again).json()["code"] == "budget_exists"
    assert api.delete(budget).status_code == 204
    assert api.get(budget).json()["code"] == "budget_not_found"


@pytest.mark.parametrize(
    "wrong",
    [{"thresholds": []}, {"thresholds": [0]}, {"amount": "0"}, {"period": "day"}, {"currency": "USD"}],
)
def test_a_budget_that_cannot_be_is_refused(api: TestClient, flat: Home, wrong: dict[str, Any]) -> None:
    body = {"category_id": flat.category("Food"), "period": "month", "amount": "300.00"} | wrong
    assert api.post(path(flat, "budgets"), json=body).status_code == 422


def test_another_households_category_is_not_found(api: TestClient, flat: Home) -> None:
    body = {"category_id": home.move_in().category("Food"), "period": "month", "amount": "300.00"}
    answer = api.post(path(flat, "budgets"), json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "category_not_found")


@pytest.mark.parametrize("kind", ["bills", "budgets"])
def test_an_unknown_household_is_not_found(api: TestClient, kind: str) -> None:
    answer = api.get(f"/api/v1/banking/households/4711/{kind}")
    assert (answer.status_code, answer.json()["code"]) == (404, "household_not_found")


def test_pages_follow_each_other(api: TestClient, flat: Home) -> None:
    for number in range(5):
        api.post(path(flat, "bills"), json=RENT | {"name": f"Bill {number}"})
    first = api.get(path(flat, "bills"), params={"limit": 3}).json()
    second = api.get(path(flat, "bills"), params={"limit": 3, "cursor": first["next"]}).json()
    names = [bill["name"] for bill in first["bills"] + second["bills"]]
    assert (names, second["next"]) == ([f"Bill {number}" for number in range(5)], None)


def test_each_route_asks_for_its_scope(flat: Home) -> None:
    reader = client_for("banking:read")
    assert reader.get(path(flat, "bills")).status_code == 200
    assert reader.post(path(flat, "bills"), json=RENT).status_code == 403
    assert client_for("banking:write").get(path(flat, "budgets")).status_code == 403
    assert anonymous().get(path(flat, "bills")).status_code == 401

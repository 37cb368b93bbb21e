"""The routes of tenants, clients, projects and rules: what they take, and what they say of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.domains.billing.parties import Layout
from tests.api_client import client_for
from tests.domains.billing import trade
from tests.domains.notifications import people

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.testclient import TestClient

    from tests.domains.billing.trade import Trade

BILLING = "/api/v1/billing"
ONE = pytest.mark.databases("sqlite")
TENANT: dict[str, Any] = {
    "name": " Ada Ltd ",
    "address": "Hauptstr. 1\r\n10115 Berlin",
    "country": "DE",
    "email": "billing@example.org",
    "tax_number": "de 123 456 789",
    "iban": "DE89 3704 0044 0532 0130 00",
    "timezone": "Europe/Berlin",
    "layout": "modern",
    "number_prefix": "R-",
}
CLIENT: dict[str, Any] = {
    "name": "株式会社 Kundé",
    "address": "1-1 Chiyoda",
    "country": "JP",
    "email": "accounts@example.com",
    "timezone": "Asia/Tokyo",
    "payment_days": 14,
}
HOURLY: dict[str, Any] = {
    "kind": "hourly",
    "currency": "EUR",
    "rate": "120.50",
    "cap_hours": "160",
    "overtime": {"threshold_hours": "8", "multiplier": "1.5"},
    "rounding": {"minutes": 15, "direction": "up"},
    "tax": {"percent": "19"},
    "effective_from": "2026-01-01",
}
RETAINER: dict[str, Any] = {
    "kind": "retainer",
    "currency": "JPY",
    "fee": "500000",
    "included_hours": "40.25",
    "carry_periods": 2,
    "rate": "12000",
    "tax": {"category": "AE", "percent": "0", "reason": "Reverse charge"},
    "effective_from": "2028-02-29",
    "effective_to": "2028-02-29",
}


@pytest.fixture
def api(database: Engine) -> TestClient:
    return client_for("billing:read", "billing:write")


@pytest.fixture
def made(database: Engine) -> Trade:
    return trade.set_up()


def test_a_tenant_gets_clients_projects_and_rules(api: TestClient) -> None:
    created = api.post(f"{BILLING}/tenants", json=TENANT | {"admins": [people.add_user(name="Ann")]})
    assert created.status_code == 201, created.text
    tenant = created.json()
    assert (tenant["name"], tenant["address"]) == ("Ada Ltd", "Hauptstr. 1\n10115 Berlin")
    assert (tenant["tax_number"], tenant["iban"]) == ("DE123456789", "DE89370400440532013000")
    assert (tenant["layout"], tenant["is_numbered_by_year"]) == ("modern", True)
    at = f"{BILLING}/tenants/{tenant['id']}"
    assert [one["name"] for one in api.get(f"{at}/members").json()["members"]] == ["Ann"]
    client = api.post(f"{at}/clients", json=CLIENT).json()
    assert (client["name"], client["payment_days"], client["ended_at"]) == ("株式会社 Kundé", 14, None)
    of_client = f"{BILLING}/clients/{client['id']}"
    project = api.post(f"{of_client}/projects", json={"name": "Site"}).json()
    rule = api.post(f"{of_client}/rules", json=HOURLY | {"project_id": project["id"]}).json()
    assert api.get(f"{BILLING}/rules/{rule['id']}").json() == rule
    assert rule == {
        "id": rule["id"],
        "client_id": client["id"],
        "project_id": project["id"],
        "fee": None,
        "included_hours": None,
        "carry_periods": 0,
        "effective_to": None,
        **HOURLY,
        "tax": {"category": "S", "percent": "19", "reason": None},
    }


def test_each_kind_of_rule_is_shown_as_it_was_given(api: TestClient, made: Trade) -> None:
    path = f"{BILLING}/clients/{made.client}/rules"
    retainer = api.post(path, json=RETAINER).json()
    assert (retainer["fee"], retainer["rate"], retainer["included_hours"]) == ("500000", "12000", "40.25")
    assert retainer["tax"] == {"category": "AE", "percent": "0", "reason": "Reverse charge"}
    fixed = {"kind": "fixed", "currency": "KWD", "fee": "1.234", "tax": {"category": "Z", "percent": "0"}}
    shown = api.post(path, json=fixed | {"effective_from": "2029-01-01"}).json()
    assert (shown["fee"], shown["rate"], shown["overtime"]) == ("1.234", None, None)
    changed = api.put(f"{BILLING}/rules/{shown['id']}", json=HOURLY | {"effective_to": "2027-12-31"})
    assert (changed.json()["kind"], changed.json()["fee"]) == ("hourly", None)
    ended = api.post(f"{BILLING}/rules/{shown['id']}/end", json={"effective_to": "2026-12-31"})
    assert ended.json()["effective_to"] == "2026-12-31"
    assert api.delete(f"{BILLING}/rules/{retainer['id']}").status_code == 204
    assert [rule["id"] for rule in api.get(path).json()["rules"]] == [shown["id"]]


@ONE
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"country": "XX"}, '"XX" is no country of ISO 3166-1'),
        ({"country": "Germany"}, "country: String should have at most 2 characters"),
        ({"email": "nobody"}, "email: value is not a valid email address"),
        ({"timezone": "Mars/Base"}, 'There is no time zone "Mars/Base"'),
        ({"tax_number": "XX 12345"}, "is no VAT id"),
        ({"tax_number": ""}, "tax_number: String should have at least 4 characters"),
        ({"name": " \u200b "}, "name: it has no visible character"),
        ({"name": "x" * 201}, "name: String should have at most 200 characters"),
        ({"name": "a\nb"}, "name: it holds the control character U+000A"),
        ({"name": "a\0b"}, "name: A string holds a NUL"),
        ({"address": "\u2028\n\u2028"}, "address: it has no visible character"),
        ({"address": "\n".join("ABCDEFGHI")}, "has 9 lines: give street, postcode and city in at most 8"),
        ({"payment_days": -1}, "payment_days: Input should be greater than or equal to 0"),
        ({"payment_days": "1e2"}, "payment_days: Give a whole number in decimal digits"),
        ({"payment": 1}, "payment: Extra inputs are not permitted"),
        ({"name": None}, "name: Input should be a valid string"),
    ],
)
def test_what_no_client_has(api: TestClient, made: Trade, changed: dict[str, Any], says: str) -> None:
    answers = [
        api.post(f"{BILLING}/tenants/{made.tenant}/clients", json=CLIENT | changed),
        api.put(f"{BILLING}/clients/{made.client}", json=CLIENT | changed),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert says in answer.json()["detail"]


@ONE
@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"kind": "barter"}, "found using 'kind' does not match any of the expected tags"),
        ({"kind": "fixed"}, "fee: Field required"),
        ({"fee": "1"}, "fee: Extra inputs are not permitted"),
        ({"rate": 120.5}, "rate: Write an amount as text"),
        ({"rate": "-1"}, "rate: Write an amount as text of at most 16 digits"),
        ({"rate": "NaN"}, "rate: Write an amount as text of at most 16 digits"),
        ({"rate": "١٢"}, "rate: Write an amount as text of at most 16 digits"),
        ({"rate": "1.234"}, "1.234 EUR has more than the 2 decimals of EUR"),
        (
            {"rate": "9" * 16},
            "of the new rule in minor units of EUR cannot be 999999999999999900",
        ),
        ({"currency": "EUX"}, "The new rule is in 'EUX', which is no currency of ISO 4217"),
        ({"currency": "euro"}, "currency: Write a currency as its three letters of ISO 4217, such as EUR."),
        ({"cap_hours": "999999"}, "The cap of the new rule in hours cannot be 999999"),
        (
            {"overtime": {"threshold_hours": "25", "multiplier": "1"}},
            "threshold of overtime in hours cannot",
        ),
        ({"overtime": {"threshold_hours": "8", "multiplier": "0.5"}}, "multiplier of overtime cannot be 0.5"),
        ({"rounding": {"minutes": 7}}, "Time cannot be rounded to 7 minutes"),
        ({"tax": {"percent": "101"}}, "tax rate in percent cannot be 101"),
        ({"tax": {"percent": "0"}}, "A tax of the category S cannot be 0 %"),
        ({"tax": {"category": "E", "percent": "0"}}, "The reason for a tax of the category E cannot be used"),
        ({"effective_from": "2026-02-30"}, "effective_from: Input should be a valid date"),
        (
            {"effective_from": "9999-12-31"},
            "effective_from: Input should be less than or equal to 2199",
        ),
        ({"effective_to": "2025-12-31"}, "from 2026-01-01 to 2025-12-31, which is before"),
        ({"project_id": 4711}, "has no project with the id 4711"),
    ],
)
def test_what_no_rule_is(api: TestClient, made: Trade, changed: dict[str, Any], says: str) -> None:
    answer = api.post(f"{BILLING}/clients/{made.client}/rules", json=HOURLY | changed)
    assert answer.status_code == 422, answer.text
    assert says in answer.json()["detail"]
    assert api.get(f"{BILLING}/clients/{made.client}/rules").json()["rules"] == []


@ONE
def test_two_rules_for_the_same_work_are_a_conflict(api: TestClient, made: Trade) -> None:
    path = f"{BILLING}/clients/{made.client}/rules"
    assert api.post(path, json=HOURLY).status_code == 201
    answer = api.post(path, json=HOURLY | {"effective_from": "2027-01-01"})
    assert (answer.status_code, answer.json()["code"]) == (409, "rule_in_force")
    assert "end that one first, or choose other days" in answer.json()["detail"]


@ONE
def test_a_token_needs_the_scopes(database: Engine, made: Trade) -> None:
    reader = client_for("billing:read")
    assert reader.get(f"{BILLING}/clients/{made.client}").status_code == 200
    assert reader.post(f"{BILLING}/clients/{made.client}/end").status_code == 403
    assert client_for("banking:read").get(f"{BILLING}/tenants").status_code == 403


@ONE
def test_a_client_ends_and_is_reopened(api: TestClient, made: Trade) -> None:
    path = f"{BILLING}/clients/{made.client}"
    assert api.post(f"{path}/end").json()["ended_at"]
    assert api.post(f"{path}/projects", json={"name": "Late"}).json()["code"] == "client_ended"
    assert api.post(f"{path}/reopen").json()["ended_at"] is None
    assert api.post(f"{path}/projects", json={"name": "Late"}).status_code == 201


@ONE
@pytest.mark.parametrize("layout", Layout)
def test_a_tenant_has_one_of_the_layouts(api: TestClient, made: Trade, layout: Layout) -> None:
    answer = api.put(f"{BILLING}/tenants/{made.tenant}", json=TENANT | {"layout": layout})
    assert answer.json()["layout"] == layout


@ONE
def test_a_tenant_has_an_iban_that_there_can_be(api: TestClient, made: Trade) -> None:
    for iban, status in (("DE89370400440532013000", 200), (None, 200), ("DE00 0000", 422)):
        answer = api.put(f"{BILLING}/tenants/{made.tenant}", json=TENANT | {"iban": iban})
        assert answer.status_code == status
    assert '"DE00 0000" is no IBAN' in answer.json()["detail"]

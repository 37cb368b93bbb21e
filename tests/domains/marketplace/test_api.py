"""The marketplace over HTTP: published by some, bought by others, paid by what operators note."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import pytest

from app.db.sessions import transaction
from app.domains.accounts.roles import Role
from app.domains.marketplace.licences import api as licences_api
from app.domains.marketplace.licences.guesses import FREE, Guesses
from app.domains.marketplace.orders import invoicing, settling
from tests.api_client import anonymous, client_for
from tests.domains.accounts.people import add_person, client_of
from tests.domains.billing.trade import set_up
from tests.domains.marketplace import market

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.testclient import TestClient

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("database")]
MARKET = "/api/v1/marketplace"
MODEL = {"slug": "sentinel", **market.FACTS}
TIER = {
    "name": "Team",
    "amount": "100.00",
    "currency": "EUR",
    "period": "yearly",
    "tax": {"percent": "19"},
    "max_activations": 2,
}


FILE = b"weights" * 100_000


@pytest.fixture(autouse=True)
def _files(configure: Callable[..., None], tmp_path: Path) -> None:
    configure(storage=tmp_path / "files")


@pytest.fixture(autouse=True)
def _nobody_has_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licences_api, "GUESSES", Guesses())


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def published(client: TestClient) -> tuple[int, int]:
    """A model that is sold, and its price."""
    model = ok(client.post(f"{MARKET}/models", json=MODEL), 201)["id"]
    version = ok(client.post(f"{MARKET}/models/{model}/versions", json={"version": "1.0.0-rc.1+b7"}), 201)
    ok(client.put(f"{MARKET}/models/{model}/versions/{version['id']}/file", content=FILE))
    ok(client.post(f"{MARKET}/models/{model}/versions/{version['id']}/publish"))
    tier = ok(client.post(f"{MARKET}/models/{model}/tiers", json=TIER), 201)["id"]
    ok(client.post(f"{MARKET}/models/{model}/publish"))
    return model, tier


@pytest.mark.databases("sqlite", "postgresql")
def test_a_model_is_published_bought_paid_and_used() -> None:
    model, tier = published(client_for("catalog:write", "catalog:read"))
    add_person()
    ann = client_of()
    assert [one["slug"] for one in ok(ann.get(f"{MARKET}/models"))["models"]] == ["sentinel"]
    whole = ok(ann.get(f"{MARKET}/models/{model}"))
    assert [(one["amount"], one["tax_percent"]) for one in whole["tiers"]] == [("100.00", "19")]
    order = ok(ann.post(f"{MARKET}/orders", json={"key": "k", "lines": [{"tier_id": tier}]}), 201)
    assert (order["gross"], order["state"], order["user_id"]) == ("119.00", "pending", 1)
    body = {"key": "bank-1", "amount": "119.00", "currency": "EUR"}
    payments = f"{MARKET}/orders/{order['id']}/payments"
    assert ann.post(payments, json=body).status_code == 403, "who owes money does not note that it came"
    operator = client_for("orders:settle")
    for _ in range(2):
        assert ok(operator.post(payments, json=body))["state"] == "paid"
    [licence] = ok(ann.get(f"{MARKET}/licences"))["licences"]
    assert (licence["standing"], "key" in licence) == ("active", False)
    file = ann.get(f"{MARKET}/licences/{licence['id']}/key")
    assert file.headers["cache-control"] == "no-store"
    key = file.text.strip()
    used = ok(anonymous().post(f"{MARKET}/keys/activate", json={"key": key, "device": "laptop"}))
    assert (used["is_valid"], used["activations"], used["model"]) == (True, 1, "sentinel")
    offered = ok(ann.get(f"{MARKET}/licences/{licence['id']}/download"))
    assert offered["sha256"] == sha256(FILE).hexdigest()
    given = anonymous().get(offered["url"])
    assert given.content == FILE
    assert "sentinel-1.0.0-rc.1" in given.headers["content-disposition"]
    ok(operator.post(f"{MARKET}/orders/{order['id']}/refund"))
    refused = ann.get(f"{MARKET}/licences/{licence['id']}/download")
    assert (refused.status_code, refused.json()["code"]) == (409, "unusable_licence")
    checked = ok(anonymous().post(f"{MARKET}/keys/check", json={"key": key}))
    assert (checked["is_valid"], checked["standing"]) == (False, "revoked")


def test_who_only_reads_sees_what_is_sold_and_nothing_else() -> None:
    writer, reader = client_for("catalog:write", "catalog:read"), client_for("catalog:read")
    model, tier = published(writer)
    draft = ok(writer.post(f"{MARKET}/models", json=MODEL | {"slug": "draft"}), 201)["id"]
    ok(writer.post(f"{MARKET}/models/{model}/versions", json={"version": "2.0.0", "notes": "Soon"}), 201)
    assert [one["id"] for one in ok(reader.get(f"{MARKET}/models"))["models"]] == [model]
    assert [one["id"] for one in ok(writer.get(f"{MARKET}/models"))["models"]] == [model, draft]
    assert reader.get(f"{MARKET}/models/{draft}").status_code == 404
    assert len(ok(reader.get(f"{MARKET}/models/{model}"))["versions"]) == 1
    assert len(ok(writer.get(f"{MARKET}/models/{model}"))["versions"]) == 2
    ok(writer.post(f"{MARKET}/models/{model}/tiers/{tier}/end"))
    assert ok(reader.get(f"{MARKET}/models/{model}"))["tiers"] == []
    ok(writer.post(f"{MARKET}/models/{model}/withdraw"))
    assert reader.get(f"{MARKET}/models/{model}").status_code == 404


def test_what_nobody_could_buy_or_get_is_not_published() -> None:
    client = client_for("catalog:write", "catalog:read")
    model = ok(client.post(f"{MARKET}/models", json=MODEL), 201)["id"]
    publish = f"{MARKET}/models/{model}/publish"
    assert "none of its versions" in ok(client.post(publish), 409)["detail"]
    version = ok(client.post(f"{MARKET}/models/{model}/versions", json={"version": "1.0.0"}), 201)["id"]
    path = f"{MARKET}/models/{model}/versions/{version}"
    assert "neither a file nor an image" in ok(client.post(f"{path}/publish"), 409)["detail"]
    ok(client.put(f"{path}/file", content=FILE))
    ok(client.post(f"{path}/publish"))
    assert "no price" in ok(client.post(publish), 409)["detail"]
    other = ok(client.post(f"{MARKET}/models", json=MODEL | {"slug": "other"}), 201)["id"]
    assert client.post(f"{MARKET}/models/{other}/versions/{version}/publish").status_code == 404
    for path, body in (
        ("", MODEL),
        (f"/{model}/versions", {"version": "1.0.0"}),
    ):
        assert ok(client.post(f"{MARKET}/models{path}", json=body), 409)["code"] == "name_taken"


def kept(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def test_the_file_of_a_version_is_what_was_sent_last_until_it_is_published(tmp_path: Path) -> None:
    client = client_for("catalog:write")
    model = ok(client.post(f"{MARKET}/models", json=MODEL), 201)["id"]
    version = ok(client.post(f"{MARKET}/models/{model}/versions", json={"version": "1.0.0"}), 201)["id"]
    path = f"{MARKET}/models/{model}/versions/{version}"
    for content in (b"first", FILE):
        sent = ok(client.put(f"{path}/file", content=content))
        assert (sent["file_size"], sent["file_sha256"]) == (len(content), sha256(content).hexdigest())
    assert kept(tmp_path / "files" / "models") == [FILE]
    wrong = client.put(f"{path}/file", content=b"x", headers={"X-Content-SHA256": "0" * 64})
    assert wrong.status_code in (409, 422), wrong.text
    malformed = client.put(f"{path}/file", content=b"x", headers={"X-Content-SHA256": "of it"})
    assert malformed.status_code == 422
    ok(client.post(f"{path}/publish"))
    late = client.put(f"{path}/file", content=b"late")
    assert (late.status_code, late.json()["code"]) == (409, "version_published")
    for other in (f"{MARKET}/models/{model}/versions/99/file", f"{MARKET}/models/99/versions/{version}/file"):
        assert client.put(other, content=b"x").status_code == 404
    assert kept(tmp_path / "files" / "models") == [FILE], "what was refused left nothing behind"
    assert client_for("catalog:read").put(f"{path}/file", content=b"x").status_code == 403


#: What is sent where, and what of it is wrong.
BODIES: dict[str, dict[str, Any]] = {"": MODEL, "/1/versions": {"version": "1.0.0"}, "/1/tiers": TIER}
SLUGS = ["", "A", "-a", "a-", "a--b", "ä", "a\n", "a/b", "a" * 64, "a\x00", 7, None]
TITLES = ["", " ", "a\nb", "\u200b", "x" * 201, "\ud800", []]
VERSIONS = ["", "1", "1.0", "01.0.0", "1.0.0-", "v1.0.0", "1.0.0\n", "9" * 101 + ".0.0"]
AMOUNTS = ["", "-1", "NaN", "1e5", "1.005", "9" * 17, 5, "\u0665"]
CURRENCIES = ["", "eur", "EURO", "BTC", "XXX", None]
TAXES = [{"percent": one} for one in ("", "-1", "101", "0", "1.00001", "NaN")]
TAXES += [{"category": "E", "percent": "0"}, {"category": "Q", "percent": "1"}]


def test_what_cannot_be_sold_is_refused_with_a_sentence() -> None:
    market.add_model()
    client, headers = client_for("catalog:write"), {"Content-Type": "application/json"}
    wrong: list[tuple[str, str, Any]] = [
        *(("", "slug", one) for one in SLUGS),
        *(("", "title", one) for one in TITLES),
        *(("/1/versions", "version", one) for one in VERSIONS),
        *(("/1/tiers", "amount", one) for one in AMOUNTS),
        *(("/1/tiers", "currency", one) for one in CURRENCIES),
        *(("/1/tiers", "tax", one) for one in TAXES),
        *(("/1/tiers", "max_activations", one) for one in (0, -1, 100_001, 1.5, "2.0", True)),
        ("/1/tiers", "more", 1),
    ]
    for path, name, value in wrong:
        body = json.dumps(BODIES[path] | {name: value})
        answer = client.post(f"{MARKET}/models{path}", content=body, headers=headers)
        assert answer.status_code in (400, 422), (name, value, answer.text)
        assert answer.json()["detail"]


def test_nobody_orders_for_another_and_a_token_says_for_whom() -> None:
    tier, ann = market.tier_of(market.add_model()), add_person()
    body = {"key": "k", "lines": [{"tier_id": tier}]}
    bob = add_person("bob@example.org", role=Role.OPERATOR)
    for client, user_id in ((client_of(), bob), (client_for("orders:write"), None)):
        refused = client.post(f"{MARKET}/orders", json=body | {"user_id": user_id})
        assert (refused.status_code, refused.json()["code"]) == (422, "who_buys")
    for client, user_id in ((client_for("orders:write"), ann), (client_of(), ann)):
        assert ok(client.post(f"{MARKET}/orders", json=body | {"user_id": user_id}), 201)["user_id"] == ann
    root = add_person("root@example.org", role=Role.ADMIN)
    ordered = ok(client_of("root@example.org").post(f"{MARKET}/orders", json=body), 201)
    assert ordered["user_id"] == root


def test_an_order_that_makes_no_sense_is_refused() -> None:
    market.add_model()
    add_person()
    client = client_of()
    senseless: list[Any] = [
        [],
        [{}],
        [{"tier_id": 0}],
        [{"tier_id": 2**63}],
        [{"tier_id": 1, "quantity": 0}],
        [{"tier_id": 1, "quantity": 101}],
        [{"tier_id": 1, "quantity": 10**400}],
        [{"tier_id": 1}, {"tier_id": 1}],
        [{"tier_id": 1}] * 101,
        {"tier_id": 1},
    ]
    for lines in senseless:
        answer = client.post(f"{MARKET}/orders", json={"key": "k", "lines": lines})
        assert answer.status_code in (400, 422), (lines, answer.text)


def test_an_invoice_is_given_to_its_buyer_and_operators(configure: Callable[..., None]) -> None:
    tenant = set_up().tenant
    configure(marketplace_tenant_id=tenant)
    order = market.place(add_person(), market.tier_of(market.add_model()))
    pdf, note = (f"{MARKET}/orders/{order.id}/{kind}" for kind in ("invoice", "credit-note"))
    add_person("bob@example.org")
    ann, bob, operator = client_of(), client_of("bob@example.org"), client_for("orders:read")
    assert (ann.get(pdf).status_code, ann.get(pdf).json()["code"]) == (404, "invoice_not_found")
    market.pay(order)
    with transaction() as session:
        [made] = invoicing.generate(session, order_id=order.id, now=market.NOW)
    for client in (ann, operator):
        given = client.get(pdf)
        assert given.content.startswith(b"%PDF-")
        assert sha256(given.content).hexdigest() == made["sha256"]
        assert f"invoice-{made['number']}.pdf" in given.headers["content-disposition"]
        assert client.get(pdf, headers={"If-None-Match": given.headers["etag"]}).status_code == 304
        assert client.get(note).json()["code"] == "invoice_not_found"
    assert bob.get(pdf).status_code == 404
    assert client_for("catalog:read").get(pdf).status_code == 403
    with transaction() as session:
        settling.refund(session, order_id=order.id, now=market.NOW)
        invoicing.generate(session, order_id=order.id, now=market.NOW)
    assert ann.get(note).content.startswith(b"%PDF-")
    assert ann.get(pdf).content == given.content
    seller = client_for("billing:read")
    listed = ok(seller.get(f"/api/v1/billing/tenants/{tenant}/sale-invoices?limit=1"))
    [credited] = listed["invoices"]
    assert (credited["gross"], credited["reference"], credited["kind"]) == (
        "-119.00",
        order.number,
        "credit_note",
    )
    rest = ok(seller.get(f"/api/v1/billing/tenants/{tenant}/sale-invoices?cursor={listed['next']}"))
    [invoice] = rest["invoices"]
    assert (invoice["number"], rest["next"]) == (made["number"], None)
    assert seller.get(f"/api/v1/billing/sale-invoices/{invoice['id']}/pdf").content == given.content
    assert seller.get("/api/v1/billing/sale-invoices/99/pdf").json()["code"] == "sale_invoice_not_found"


def test_who_guesses_keys_has_to_wait_and_who_has_one_does_not() -> None:
    market.pay(market.place(add_person(), market.tier_of(market.add_model())))
    key = market.licences()[0].key
    client = anonymous()
    check = f"{MARKET}/keys/check"
    statuses: list[int] = []
    while 429 not in statuses and len(statuses) < 10 * FREE:
        assert client.post(check, json={"key": key}).status_code == (200 if len(statuses) < FREE else ANY)
        statuses.append(client.post(check, json={"key": "gwk_" + "A" * 43}).status_code)
    assert set(statuses[:FREE]) == {404}
    refused = client.post(check, json={"key": key})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_guesses")
    assert int(refused.headers["Retry-After"]) > 0

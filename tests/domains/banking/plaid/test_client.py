"""The port to Plaid, and the fake it is tried with."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import plaid as plaid_python
import pytest
from plaid.api import plaid_api

from app.domains.banking.errors import (
    ItemBroken,
    MutatedDuringPagination,
    PlaidNotConfigured,
    PlaidRefused,
    PlaidUnavailable,
)
from tests.domains.banking.linking import port
from tests.fakes.plaid import CLIENT_ID, SECRET
from tests.fakes.plaid.faults import Refusal
from tests.fakes.plaid.history import Tx
from tests.fakes.plaid.server import SYNC
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.plaid import FakePlaid
    from tests.fakes.plaid.bank import Item

pytestmark = pytest.mark.databases("sqlite")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def item(plaid: FakePlaid) -> Item:
    return plaid.bank.new_item()


def tx(item: Item, name: str = "t1", **values: Any) -> Tx:
    return Tx(**{"id": name, "account_id": item.account.id, "cents": 1234, **values})


def test_the_models_of_plaid_python_parse_every_answer_of_the_fake(plaid: FakePlaid, item: Item) -> None:
    from plaid.model.accounts_get_request import AccountsGetRequest
    from plaid.model.country_code import CountryCode
    from plaid.model.item_get_request import ItemGetRequest
    from plaid.model.item_public_token_exchange_request import ItemPublicTokenExchangeRequest
    from plaid.model.item_remove_request import ItemRemoveRequest
    from plaid.model.link_token_create_request import LinkTokenCreateRequest
    from plaid.model.products import Products
    from plaid.model.sandbox_public_token_create_request import SandboxPublicTokenCreateRequest
    from plaid.model.transactions_sync_request import TransactionsSyncRequest
    from plaid.model.webhook_verification_key_get_request import WebhookVerificationKeyGetRequest

    client = plaid_api.PlaidApi(
        plaid_python.ApiClient(
            plaid_python.Configuration(host=plaid.url, api_key={"clientId": CLIENT_ID, "secret": SECRET})
        )
    )
    first = item.add(tx(item))
    item.modify(first, cents=99)
    item.remove(item.add(tx(item, "t2")))
    token = item.access_token
    page = client.transactions_sync(TransactionsSyncRequest(access_token=token, count=2))
    assert (page.added[0].amount, page.modified[0].amount, page.has_more) == (12.34, 0.99, True)
    page = client.transactions_sync(TransactionsSyncRequest(access_token=token, cursor=page.next_cursor))
    assert (page.removed[0].transaction_id, page.has_more) == ("t2", False)
    assert client.accounts_get(AccountsGetRequest(access_token=token)).accounts[0].balances.current == 1234.56
    item.error = "ITEM_LOGIN_REQUIRED"
    assert client.item_get(ItemGetRequest(access_token=token)).item.error.error_code == "ITEM_LOGIN_REQUIRED"
    key = client.webhook_verification_key_get(WebhookVerificationKeyGetRequest(key_id=plaid.keys[0].id)).key
    assert (key.crv, key.alg) == ("P-256", "ES256")
    assert client.link_token_create(
        LinkTokenCreateRequest(client_name="x", language="en", country_codes=[CountryCode("US")])
    ).link_token
    public = client.sandbox_public_token_create(
        SandboxPublicTokenCreateRequest(
            institution_id="ins_109508", initial_products=[Products("transactions")]
        )
    ).public_token
    grant = client.item_public_token_exchange(ItemPublicTokenExchangeRequest(public_token=public))
    assert client.item_remove(ItemRemoveRequest(access_token=grant.access_token)).request_id


def test_money_is_exact_and_counted_from_the_account(plaid: FakePlaid, item: Item) -> None:
    item.add(tx(item, "spent", cents=8940))
    item.add(tx(item, "earned", cents=-250_000_01))
    item.add(tx(item, "noisy", cents=1001 * 10**9 + 29))
    page = port().changes(access_token=item.access_token, cursor=None)
    assert [(row.id, row.amount, row.currency) for row in page.put] == [
        ("spent", -8940, "USD"),
        ("earned", 250_000_01, "USD"),
        ("noisy", -(1001 * 10**9 + 29), "USD"),
    ]
    assert not any(isinstance(cell, float) for row in page.put for cell in row)
    assert page.put[0].posted_on == date(2026, 1, 1)
    assert (page.accounts[0].current, page.accounts[0].available) == (123456, 120000)


def test_an_unofficial_currency_is_kept(plaid: FakePlaid, item: Item) -> None:
    item.add(tx(item, currency="BTC", unofficial=True, cents=500))
    assert port().changes(access_token=item.access_token, cursor=None).put[0].currency == "BTC"


def test_an_amount_that_its_currency_cannot_express_is_set_aside_rather_than_rounded(
    plaid: FakePlaid, item: Item
) -> None:
    item.add(tx(item, currency="JPY", cents=1234))
    page = port().changes(access_token=item.access_token, cursor=None)
    assert (page.put, [row.id for row in page.aside]) == ([], ["t1"])
    assert "12.34 JPY" in page.aside[0].reason


def test_a_balance_of_securities_is_rounded(plaid: FakePlaid, item: Item) -> None:
    item.account.current, item.account.available = 23631.9805, None
    account = port().accounts(access_token=item.access_token).facts[0]
    assert (account.current, account.available) == (2363198, None)


@pytest.mark.parametrize(
    ("status", "kind", "code", "expected"),
    [
        (429, "RATE_LIMIT_EXCEEDED", "TRANSACTIONS_LIMIT", PlaidUnavailable),
        (500, "API_ERROR", "INTERNAL_SERVER_ERROR", PlaidUnavailable),
        (400, "INSTITUTION_ERROR", "INSTITUTION_DOWN", PlaidUnavailable),
        (400, "ITEM_ERROR", "PRODUCT_NOT_READY", PlaidUnavailable),
        (400, "ITEM_ERROR", "ITEM_LOGIN_REQUIRED", ItemBroken),
        (400, "ITEM_ERROR", "INVALID_CREDENTIALS", ItemBroken),
        (400, "INVALID_INPUT", "INVALID_ACCESS_TOKEN", PlaidRefused),
        (400, "INVALID_REQUEST", "MISSING_FIELDS", PlaidRefused),
        (
            400,
            "TRANSACTIONS_ERROR",
            "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
            MutatedDuringPagination,
        ),
    ],
)
def test_each_refusal_is_told_apart(
    plaid: FakePlaid, item: Item, status: int, kind: str, code: str, expected: type[Exception]
) -> None:
    plaid.faults.refuse(SYNC, Refusal(status=status, type=kind, code=code))
    with pytest.raises(expected) as raised:
        port().changes(access_token=item.access_token, cursor=None)
    assert type(raised.value) is expected
    assert item.access_token not in str(raised.value)
    if isinstance(raised.value, PlaidRefused):
        assert raised.value.reason == code


@pytest.mark.parametrize(("seconds", "expected"), [(7, 7), (10**12, 3600)])
def test_the_pause_that_plaid_asks_for_is_kept(
    plaid: FakePlaid, item: Item, seconds: int, expected: int
) -> None:
    plaid.faults.rate_limit(SYNC, seconds=seconds)
    with pytest.raises(PlaidUnavailable, match="TRANSACTIONS_LIMIT") as raised:
        port().changes(access_token=item.access_token, cursor=None)
    assert raised.value.after == timedelta(seconds=expected)


def test_a_plaid_that_is_not_there_is_an_outage(plaid: FakePlaid, configure: Callable[..., None]) -> None:
    for scheme in ("http", "https"):
        configure(plaid_environment=f"{scheme}://127.0.0.1:{free_port()}")
        with pytest.raises(PlaidUnavailable, match="did not answer item_get"):
            port().item(access_token="x")
    configure(plaid_environment=plaid.url.replace("http:", "https:"))
    with pytest.raises(PlaidUnavailable, match="did not answer item_get"):
        port().item(access_token="x")


def test_an_answer_that_does_not_come_is_an_outage(
    plaid: FakePlaid, item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.domains.banking.plaid.client.KEY_TIMEOUT", timedelta(seconds=0.2))
    held = plaid.faults.hold("/webhook_verification_key/get")
    with pytest.raises(PlaidUnavailable, match="ReadTimeoutError"):
        port().verification_key(key_id=plaid.keys[0].id)
    held.release()


def test_without_keys_one_sentence_says_what_to_set(plaid: FakePlaid, configure: Callable[..., None]) -> None:
    configure(plaid_secret="")
    with pytest.raises(PlaidNotConfigured, match="GROUNDWORK_PLAID_SECRET is not set"):
        port().item(access_token="x")
    assert plaid.requests == []


def test_wrong_keys_are_refused(plaid: FakePlaid, configure: Callable[..., None]) -> None:
    configure(plaid_secret="wrong")
    with pytest.raises(PlaidRefused, match="INVALID_API_KEYS"):
        port().item(access_token="x")


def test_the_fake_speaks_the_paths_of_the_sandbox(plaid: FakePlaid) -> None:
    public_token = sandbox(plaid.url, "/sandbox/public_token/create")["public_token"]
    token = port().exchange(public_token=public_token).access_token
    access = {"access_token": token}
    assert len(port().changes(access_token=token, cursor=None).put) == 24
    sandbox(plaid.url, "/sandbox/transactions/create", **access, transactions=[{"amount": 4.2}])
    assert [row.amount for row in port().changes(access_token=token, cursor="24").put] == [-420]
    assert not sandbox(plaid.url, "/sandbox/item/fire_webhook", **access, webhook_code="X")["webhook_fired"]
    sandbox(plaid.url, "/sandbox/item/reset_login", **access)
    assert port().item(**access).error == "ITEM_LOGIN_REQUIRED"


def sandbox(url: str, path: str, **body: Any) -> dict[str, Any]:
    """Ask one of Plaid's sandbox paths, which only trials use."""
    keys = {"client_id": CLIENT_ID, "secret": SECRET}
    with urlopen(url + path, json.dumps({**keys, **body}).encode(), timeout=10) as answer:
        return dict(json.load(answer))


def test_nobody_pays_for_plaid_python_before_the_first_call() -> None:
    code = "import sys, app.domains.banking.tasks, app.domains.banking.api; sys.exit('plaid' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

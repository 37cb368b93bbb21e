"""Rows of a bank that cannot be kept: they are set aside, and everything else goes on."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.db.sessions import reading
from app.domains.banking import doctor
from app.domains.banking.errors import MalformedAnswer
from app.domains.banking.models import ItemStatus, SetAside
from app.domains.banking.plaid import parsers
from app.errors import InvalidInput
from app.health.doctor.finding import Level
from app.values.money import to_decimal
from tests.api_client import client_for
from tests.domains.banking.linking import accounts_of, household, item_row, link, run_sync, stored, told
from tests.fakes.plaid.bank import Account
from tests.fakes.plaid.history import Tx
from tests.fakes.plaid.server import SYNC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.testclient import TestClient

    from tests.fakes.plaid import FakePlaid
    from tests.fakes.plaid.bank import Item


@pytest.fixture
def item(plaid: FakePlaid) -> Item:
    return plaid.bank.new_item()


@pytest.fixture
def api(plaid: FakePlaid) -> TestClient:
    return client_for("banking:read", "banking:write")


def tx(item: Item, name: str, **values: Any) -> Tx:
    return Tx(**{"id": name, "account_id": item.account.id, "cents": 1234, **values})


def aside(item_id: int) -> Sequence[SetAside]:
    with reading() as session:
        rows = select(SetAside).where(SetAside.item_id == item_id).order_by(SetAside.plaid_id)
        return session.scalars(rows).all()


def reasons(item_id: int) -> dict[str, str]:
    return {row.plaid_id: row.reason for row in aside(item_id)}


CANNOT_BE_KEPT: dict[str, tuple[dict[str, Any], str]] = {
    "fine dollars": ({"amount": 12.345}, "12.345 USD has more than the 2 decimals of USD"),
    "fine pesos": ({"amount": 500.5, "iso_currency_code": "CLP"}, "500.5 CLP has more than the 0 decimals"),
    "finer than any": (
        {"amount": 1e-31, "iso_currency_code": None, "unofficial_currency_code": "BTC"},
        "more than the 30 decimals",
    ),
    "no number": ({"amount": float("nan")}, "NaN USD is not an amount"),
    "infinite": ({"amount": float("-inf")}, "-Infinity USD is not an amount"),
    "huge": ({"amount": 1e300}, "1E[+]300 USD is not an amount"),
    "beyond exponents": ({"amount": "#1e9999999999999999999999#"}, "NaN USD is not an amount"),
    "many digits": ({"amount": f"#{'9' * 5_000}#"}, "9+ USD is not an amount"),
    "amount as text": ({"amount": "12.34"}, '"amount" is .12.34., not a number'),
    "amount as truth": ({"amount": True}, '"amount" is True, not a number'),
    "no amount": ({"amount": None}, '"amount" is missing, not a number'),
    "date with a time": ({"date": "2026-01-05T10:00:00"}, '"date" is .2026-01-05T10:00:00., not a date'),
    "no such day": ({"date": "2026-02-30"}, '"date" is'),
    "day in Arabic digits": ({"date": "\u0662\u0660\u0662\u0666-01-05"}, '"date" is'),
    "no date": ({"date": None}, '"date" is missing'),
    "date as number": ({"authorized_date": 20260105}, '"authorized_date" is 20260105'),
    "unlisted account": ({"account_id": "elsewhere"}, 'account "elsewhere" is not among those'),
    "no account": ({"account_id": None}, '"account_id" is missing'),
    "id with NUL": ({"transaction_id": "a\x00"}, '"transaction_id" is'),
    "id with half a character": ({"transaction_id": "a\ud83d"}, '"transaction_id" is'),
    "empty id": ({"transaction_id": ""}, '"transaction_id" is'),
    "long id": ({"transaction_id": "x" * 10_000}, '"transaction_id" is'),
    "id as a list": ({"transaction_id": ["x"]}, '"transaction_id" is'),
    "currency as number": ({"iso_currency_code": 840}, '"iso_currency_code" is 840'),
    "name as an object": ({"name": {"en": "Shop"}}, '"name" is'),
    "pending as text": ({"pending": "false"}, '"pending" is .false., not true or false'),
    "category as text": ({"personal_finance_category": "FOOD"}, '"personal_finance_category" is'),
}


def test_rows_that_cannot_be_kept_are_set_aside_and_the_rest_goes_on(plaid: FakePlaid, item: Item) -> None:
    home = household()
    for name in ("before", *CANNOT_BE_KEPT, "after"):
        item.add(tx(item, name))
    item.distorted |= {name: distortion for name, (distortion, _) in CANNOT_BE_KEPT.items()}
    item_id = link(item, home)
    stats = run_sync(item_id)
    assert (stats.status, stats.set_aside) == (ItemStatus.ACTIVE, len(CANNOT_BE_KEPT))
    assert sorted(stored(item_id)) == ["after", "before"]
    assert item_row(item_id).cursor == str(len(CANNOT_BE_KEPT) + 2)
    assert [account.sync_error for account in accounts_of(item_id)] == [None, None]
    said = reasons(item_id)
    for name, (distortion, reason) in CANNOT_BE_KEPT.items():
        found = [said[name]] if "transaction_id" not in distortion else said.values()
        assert any(re.search(reason, one) for one in found), name
    assert told() == [("bank_set_aside", admin) for admin in home.admins]


def test_rows_that_are_none_are_set_aside_too(plaid: FakePlaid, item: Item) -> None:
    item.add(tx(item, "good"))
    nothing: list[object] = [None, 5, "x", [], dict.fromkeys(("transaction_id", "account_id")), float("nan")]
    for number, row in enumerate(nothing):
        item.remove(item.add(tx(item, f"t{number}")))
        item.accounts.append(Account(id=f"a{number}"))
        item.distorted |= {f"t{number}": row, f"-t{number}": row, f"a{number}": row}
    item_id = link(item)
    assert run_sync(item_id).status == ItemStatus.ACTIVE
    assert list(stored(item_id)) == ["good"]
    kinds = [one.kind for one in aside(item_id)]
    assert Counter(kinds) == dict.fromkeys(("account", "removal", "transaction"), len(nothing))


def test_what_the_bank_corrects_or_removes_is_set_aside_no_longer(plaid: FakePlaid, item: Item) -> None:
    corrected, removed = item.add(tx(item, "corrected")), item.add(tx(item, "removed"))
    item.distorted |= {"corrected": {"amount": 12.345}, "removed": {"date": "now"}}
    item_id = link(item)
    run_sync(item_id)
    assert sorted(reasons(item_id)) == ["corrected", "removed"]
    item.distorted.clear()
    item.modify(corrected, cents=1235)
    item.remove(removed)
    run_sync(item_id)
    assert reasons(item_id) == {}
    assert stored(item_id)["corrected"]["amount"] == -1235


def test_the_last_word_on_a_page_counts(plaid: FakePlaid, item: Item) -> None:
    row = {**answers_row("t"), "amount": 1}
    page = parsers.page({**EMPTY, "added": [{**row, "amount": None}], "modified": [row]})
    assert ([one.id for one in page.put], page.aside) == (["t"], [])
    page = parsers.page({**EMPTY, "added": [row], "modified": [{**row, "amount": None}]})
    assert (page.put, [one.id for one in page.aside]) == ([], ["t"])


def test_admins_are_told_once_until_all_is_well_again(plaid: FakePlaid, item: Item) -> None:
    home = household()
    odd = item.add(tx(item, "odd"))
    item.distorted["odd"] = {"amount": 0.001}
    item_id = link(item, home)
    run_sync(item_id)
    item.add(tx(item, "odd too"))
    item.distorted["odd too"] = {"amount": 0.002}
    run_sync(item_id)
    assert len(reasons(item_id)) == 2
    assert told() == [("bank_set_aside", admin) for admin in home.admins]
    item.distorted.pop("odd")
    item.modify(odd, cents=1)
    run_sync(item_id)
    assert list(reasons(item_id)) == ["odd too"]


def test_a_transaction_that_came_before_its_account_is_taken_up_with_it(plaid: FakePlaid, item: Item) -> None:
    item.add(tx(item, "early", account_id="acc-later", cents=700))
    item_id = link(item)
    run_sync(item_id)
    assert (stored(item_id), list(reasons(item_id))) == ({}, ["early"])
    item.accounts.append(Account(id="acc-later", name="Later"))
    run_sync(item_id)
    assert (stored(item_id)["early"]["amount"], reasons(item_id)) == (-700, {})


DIGITS = {
    "0.00012345": "-0.00012345",
    "12.5": "-12.50",
    "1e-18": "-0.000000000000000001",
    "0.123456789012345678": "-0.123456789012345678",
    "0.30000000000000004": "-0.30000000000000004",
    "-21000000": "21000000.00",
}


@pytest.mark.parametrize(("official", "unofficial"), [(None, "BTC"), (None, None), ("QQQ", None)])
def test_an_amount_of_no_official_currency_keeps_its_digits(
    plaid: FakePlaid, item: Item, api: TestClient, official: str | None, unofficial: str | None
) -> None:
    currency = {"iso_currency_code": official, "unofficial_currency_code": unofficial}
    for digits in DIGITS:
        item.add(tx(item, digits))
        item.distorted[digits] = {"amount": f"#{digits}#", **currency}
    item.distorted[item.account.id] = {"balances": {"current": "#0.00012345#", "available": 1, **currency}}
    item_id = link(item)
    assert run_sync(item_id).set_aside == 0
    account = accounts_of(item_id)[0]
    answer = api.get(f"/api/v1/banking/accounts/{account.id}/transactions").json()
    assert [one["amount"] for one in answer["transactions"]] == list(reversed(DIGITS.values()))
    path = f"/api/v1/banking/households/{item_row(item_id).household_id}/accounts"
    shown = api.get(path).json()["accounts"][0]
    assert (shown["current_balance"], shown["available_balance"]) == ("0.00012345", "1.00000000")


def test_noise_of_a_double_is_no_fraction_of_a_cent(plaid: FakePlaid, item: Item) -> None:
    item.add(tx(item, "noisy"))
    item.distorted["noisy"] = {"amount": 0.1 + 0.2}
    item.add(tx(item, "exact"))
    item.distorted["exact"] = {"amount": "#123456789012345.67#"}
    item_id = link(item)
    run_sync(item_id)
    assert {name: row["amount"] for name, row in stored(item_id).items()} == {
        "noisy": -30,
        "exact": -12345678901234567,
    }


def test_text_that_nobody_can_read_does_not_cost_the_row(plaid: FakePlaid, item: Item) -> None:
    item.add(tx(item, "odd"))
    item.distorted["odd"] = {
        "name": "Caf\x00é\tat\u202fthe \ud83d corner" + "x" * 5_000,
        "merchant_name": None,
    }
    item_id = link(item)
    assert run_sync(item_id).set_aside == 0
    name = stored(item_id)["odd"]["name"]
    assert name.startswith("Caf é at\u202fthe \N{REPLACEMENT CHARACTER} cornerx")
    assert len(name) == 1_000


UNREADABLE = [
    {"balances": None},
    {"balances": {"current": float("nan"), "iso_currency_code": "USD"}},
    {"balances": {"current": "12", "iso_currency_code": "USD"}},
    {"balances": {"current": 1e300, "available": 1, "iso_currency_code": "USD"}},
    {"name": 5},
    {"type": ["depository"]},
]


def test_an_account_that_cannot_be_read_keeps_what_it_had_and_its_transactions(plaid: FakePlaid) -> None:
    item = plaid.bank.new_item(accounts=len(UNREADABLE))
    item_id = link(item)
    before = [(account.name, account.current_balance) for account in accounts_of(item_id)]
    for account, distortion in zip(item.accounts, UNREADABLE, strict=True):
        item.add(tx(item, f"of {account.id}", account_id=account.id))
        item.distorted[account.id] = distortion
    assert run_sync(item_id).set_aside == len(UNREADABLE)
    assert [(account.name, account.current_balance) for account in accounts_of(item_id)] == before
    assert len(stored(item_id)) == len(UNREADABLE)
    item.distorted.clear()
    run_sync(item_id)
    assert reasons(item_id) == {}


def test_what_is_set_aside_is_listed_and_named_by_the_doctor(
    plaid: FakePlaid, item: Item, api: TestClient
) -> None:
    assert doctor.no_row_is_set_aside().level is Level.OK
    home = household()
    item.add(tx(item, "odd"))
    item.distorted["odd"] = {"amount": 12.345, "name": "\ud800\x00"}
    item_id = link(item, home)
    run_sync(item_id)
    path = f"/api/v1/banking/households/{home.id}/set-aside"
    answer = api.get(path).json()
    (row,) = answer["rows"]
    assert (row["item_id"], row["kind"], row["plaid_id"]) == (item_id, "transaction", "odd")
    assert "12.345 USD has more than the 2 decimals" in row["reason"]
    assert "12.345" in row["row"]
    assert answer["next"] is None
    assert client_for("jobs:read").get(path).status_code == 403
    other = f"/api/v1/banking/households/{household().id}/set-aside"
    assert api.get(other).json()["rows"] == []
    finding = doctor.no_row_is_set_aside()
    assert finding.level is Level.WARNING
    assert f"1 of item {item_id}" in finding.sentence
    assert api.delete(f"{other}/{row['id']}").status_code == 404
    assert api.delete(f"{path}/{row['id']}").status_code == 204
    assert reasons(item_id) == {}


EMPTY = {"added": [], "modified": [], "removed": [], "accounts": [], "next_cursor": "1", "has_more": False}


def answers_row(name: str) -> dict[str, Any]:
    return {"transaction_id": name, "account_id": "a", "amount": 1, "date": "2026-01-05", "pending": False}


@pytest.mark.parametrize(
    "odd",
    [
        {"added": None},
        {"removed": {}},
        {"accounts": "none"},
        {"next_cursor": None},
        {"next_cursor": "x" * 5_000},
        {"next_cursor": "a\x00"},
        {"has_more": None},
        {"has_more": "false"},
    ],
)
def test_a_page_that_says_nothing_is_asked_for_again(odd: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswer, match="transactions_sync cannot be read"):
        parsers.page(EMPTY | odd)


def test_pages_that_come_round_again_have_an_end(plaid: FakePlaid, item: Item) -> None:
    item.add(tx(item, "t"))
    item_id = link(item)
    plaid.answers[SYNC] = {**EMPTY, "next_cursor": "again", "has_more": True}
    with pytest.raises(MalformedAnswer, match="cursor"):
        run_sync(item_id)
    plaid.answers.clear()
    run_sync(item_id)
    assert list(stored(item_id)) == ["t"]


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals()
    | st.text()
    | st.text(st.characters(categories=["Cs", "Cc"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    "transaction_id",
    "account_id",
    "amount",
    "iso_currency_code",
    "unofficial_currency_code",
    "date",
    "authorized_date",
    "name",
    "original_description",
    "merchant_name",
    "pending",
    "pending_transaction_id",
    "personal_finance_category",
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(field=st.sampled_from(FIELDS), value=ANY_JSON)
def test_whatever_a_field_holds_the_row_is_kept_or_set_aside(field: str, value: Any) -> None:
    row = {**answers_row("t"), "iso_currency_code": None, field: value}
    try:
        kept = parsers.movement(row)
    except InvalidInput as error:
        texts, amounts = [str(error)], [Decimal()]
    else:
        texts = [cell for cell in kept if isinstance(cell, str)]
        amounts = [Decimal(kept.amount), to_decimal(kept.amount, kept.currency, scale=kept.scale)]
    assert all(amount.is_finite() and abs(amount) < 2**63 for amount in amounts)
    assert not any("\x00" in text for text in texts)
    "".join(texts).encode()

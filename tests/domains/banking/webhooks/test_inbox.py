"""What each of Plaid's webhooks calls for, and how long it is remembered."""

from __future__ import annotations

import hashlib
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from app.db.clock import now
from app.db.sessions import transaction
from app.domains.banking.errors import WebhookNotFound
from app.domains.banking.models import ItemStatus, PlaidWebhook
from app.domains.banking.sync import requests
from app.domains.banking.webhooks import inbox
from app.domains.banking.webhooks.verification import Verified
from app.jobs.ledger.models import Job
from app.settings.config import settings
from tests.checkpoints import flushing
from tests.domains.banking.linking import (
    NOW,
    accounts_of,
    handle_webhook,
    household,
    item_row,
    jobs,
    kept_webhooks,
    link,
    run_sync,
    told,
)

if TYPE_CHECKING:
    from tests.fakes.plaid import FakePlaid
    from tests.fakes.plaid.bank import Item


@pytest.fixture
def item(plaid: FakePlaid) -> Item:
    return plaid.bank.new_item()


def receive(kind: str, code: str, item: Item, **members: Any) -> dict[str, str | None]:
    """Keep and handle a webhook."""
    body = {"webhook_type": kind, "webhook_code": code, "item_id": item.id, **members}
    digest = hashlib.sha256(repr((time.monotonic(), body)).encode()).hexdigest()
    with transaction() as session:
        verified = Verified(digest=digest, body=body)
        webhook_id = inbox.store(session, verified=verified, now=NOW)
    return handle_webhook(webhook_id)


@pytest.mark.parametrize(
    "code",
    [
        "SYNC_UPDATES_AVAILABLE",
        "INITIAL_UPDATE",
        "HISTORICAL_UPDATE",
        "DEFAULT_UPDATE",
        "TRANSACTIONS_REMOVED",
    ],
)
def test_news_of_transactions_ask_for_a_sync(plaid: FakePlaid, item: Item, code: str) -> None:
    item_id = link(item)
    run_sync(item_id)
    assert receive("TRANSACTIONS", code, item)["done"] == "sync"
    assert [job.kwargs for job in jobs(requests.SYNC_TASK)] == [{"item_id": item_id}] * 2


def test_a_break_is_told_once_however_often_plaid_tells_it(plaid: FakePlaid, item: Item) -> None:
    home = household()
    item_id = link(item, home)
    item.error = "ITEM_LOGIN_REQUIRED"
    for _ in range(3):
        receive("ITEM", "ERROR", item, error={"error_code": "ITEM_LOGIN_REQUIRED"})
    assert (item_row(item_id).status, item_row(item_id).error) == (
        ItemStatus.LOGIN_REQUIRED,
        "ITEM_LOGIN_REQUIRED",
    )
    assert told() == [("bank_relink", admin) for admin in home.admins]


def test_an_error_of_another_kind_is_kept_by_its_code(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    item.error = "ITEM_LOCKED"
    assert receive("ITEM", "ERROR", item)["status"] == ItemStatus.ERROR
    assert item_row(item_id).error == "ITEM_LOCKED"


def test_a_repair_is_told_once_and_brings_a_sync(plaid: FakePlaid, item: Item) -> None:
    home = household()
    item_id = link(item, home)
    run_sync(item_id)
    item.error = "ITEM_LOGIN_REQUIRED"
    receive("ITEM", "ERROR", item)
    item.error = None
    for _ in range(2):
        assert receive("ITEM", "LOGIN_REPAIRED", item)["status"] == ItemStatus.ACTIVE
    assert told().count(("bank_repaired", home.admins[0])) == 1
    assert item_row(item_id).repairs == 1
    assert len(jobs(requests.SYNC_TASK)) == 2


def test_webhooks_out_of_order_end_as_the_bank_is(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    assert receive("ITEM", "LOGIN_REPAIRED", item)["status"] == ItemStatus.ACTIVE
    assert receive("ITEM", "ERROR", item)["status"] == ItemStatus.ACTIVE, "it was mended meanwhile"
    item.error = "ITEM_LOGIN_REQUIRED"
    assert receive("ITEM", "LOGIN_REPAIRED", item)["status"] == ItemStatus.LOGIN_REQUIRED
    assert item_row(item_id).repairs == 0


@pytest.mark.parametrize("code", ["PENDING_EXPIRATION", "PENDING_DISCONNECT"])
def test_a_connection_that_will_end_is_told_before(plaid: FakePlaid, item: Item, code: str) -> None:
    home = household()
    item_id = link(item, home)
    for _ in range(2):
        assert receive("ITEM", code, item)["status"] == ItemStatus.EXPIRING
    assert told() == [("bank_relink", admin) for admin in home.admins]
    assert receive("ITEM", "LOGIN_REPAIRED", item)["status"] == ItemStatus.ACTIVE
    assert item_row(item_id).error is None


def test_a_permission_that_was_taken_back_is_final(plaid: FakePlaid, item: Item) -> None:
    home = household()
    link(item, home)
    assert receive("ITEM", "USER_PERMISSION_REVOKED", item)["status"] == ItemStatus.REVOKED
    assert receive("ITEM", "LOGIN_REPAIRED", item)["status"] == ItemStatus.REVOKED
    assert told() == [("bank_relink", admin) for admin in home.admins]


def test_one_account_can_be_taken_back(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    assert receive("ITEM", "USER_ACCOUNT_REVOKED", item, account_id=item.account.id)["status"] == "active"
    assert [account.is_active for account in accounts_of(item_id)] == [False, True]


def test_new_accounts_are_told(plaid: FakePlaid, item: Item) -> None:
    home = household()
    link(item, home)
    receive("ITEM", "NEW_ACCOUNTS_AVAILABLE", item)
    assert told() == [("bank_new_accounts", admin) for admin in home.admins]


def test_codes_and_items_that_are_not_known_are_kept_and_done(plaid: FakePlaid, item: Item) -> None:
    nothing = {"done": "nothing", "status": None}
    assert receive("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED", item) == nothing
    assert receive("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", item) == nothing, "it is not linked"
    assert kept_webhooks()[0] == 2


def forget() -> int:
    with transaction() as session:
        return inbox.forget_handled(session, commit=flushing(session))


def test_a_webhook_is_forgotten_when_it_is_old_and_its_job_is_forgotten(plaid: FakePlaid, item: Item) -> None:
    receive("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED", item)
    assert forget() == 0, "it is new"
    with transaction() as session:
        long_ago = now(session) - timedelta(days=settings().retention_days, seconds=1)
        session.execute(update(PlaidWebhook).values(received_at=long_ago))
    assert forget() == 0, "its job may still need it"
    with transaction() as session:
        session.execute(delete(Job))
    assert forget() == 1


def test_a_webhook_that_is_not_there_is_named(plaid: FakePlaid) -> None:
    with pytest.raises(WebhookNotFound, match="4711"):
        handle_webhook(4711)

"""Households, and the banks they link."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text, update

from app.db.sessions import reading, transaction
from app.domains.banking import connection, linked, service
from app.domains.banking.errors import (
    HouseholdNotFound,
    ItemNotFound,
    LinkedElsewhere,
    NotAMember,
    PlaidRefused,
    UnknownUsers,
)
from app.domains.banking.facts import Grant
from app.domains.banking.models import BankAccount, ItemStatus, PlaidItem, Role
from app.domains.banking.sync import requests
from tests.checkpoints import flushing
from tests.domains.banking.linking import (
    NOW,
    accounts_of,
    household,
    item_row,
    jobs,
    link,
    port,
    run_sync,
    told,
    user,
)
from tests.fakes.plaid.history import Tx

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.jobs.ledger.models import Job
    from tests.fakes.plaid import FakePlaid


def test_a_household_needs_users_that_exist(plaid: FakePlaid) -> None:
    known = user()
    with pytest.raises(UnknownUsers, match="4711"), transaction() as session:
        service.create_household(
            session, name="Home", currency="EUR", members={known: Role.ADMIN, 4711: Role.MEMBER}, now=NOW
        )


def test_only_a_member_links_for_a_household(plaid: FakePlaid) -> None:
    home, stranger = household(), user("Eve")
    with reading() as session:
        assert service.member(session, household_id=home.id, user_id=home.member).name == "Cleo"
        with pytest.raises(NotAMember, match=str(stranger)):
            service.member(session, household_id=home.id, user_id=stranger)
        with pytest.raises(HouseholdNotFound, match="4711"):
            service.member(session, household_id=4711, user_id=home.member)


def test_a_link_token_is_for_a_new_bank_or_to_mend_one(
    plaid: FakePlaid, configure: Callable[..., None]
) -> None:
    configure(plaid_webhook_url="https://example.com/api/v1/webhooks/plaid")
    home, item_id = household(), link(plaid.bank.new_item())
    with reading() as session:
        ada = service.member(session, household_id=home.id, user_id=home.admins[0])
    token = service.link_token(port(), user=ada, country="DE", item=None)
    assert token.token.startswith("link-sandbox-")
    assert token.expires_at.tzinfo is not None
    service.link_token(port(), user=ada, country="DE", item=item_row(item_id))
    new, mend = (body for path, body in plaid.requests if path == "/link/token/create")
    assert new["products"] == ["transactions"]
    assert (new["language"], new["country_codes"]) == ("en", ["DE"])
    assert new["user"] == {"client_user_id": str(ada.id)}
    assert new["webhook"] == "https://example.com/api/v1/webhooks/plaid"
    assert "access_token" not in new
    assert "products" not in mend
    assert mend["access_token"] == item_row(item_id).access_token


def test_a_linked_bank_is_stored_once_with_its_accounts_and_its_first_sync(plaid: FakePlaid) -> None:
    item, home = plaid.bank.new_item(), household()
    assert link(item, home) == link(item, home)
    stored = item_row(link(item, home))
    assert (stored.institution, stored.status, stored.cursor) == ("First Platypus Bank", "active", None)
    assert [(one.name, one.mask, one.current_balance) for one in accounts_of(stored.id)] == [
        ("Checking", "0000", 123456),
        ("Saving", "0001", 123456),
    ]
    assert [job.kwargs for job in jobs(requests.SYNC_TASK)] == [{"item_id": stored.id}]


def test_the_access_token_is_encrypted(plaid: FakePlaid) -> None:
    item = plaid.bank.new_item()
    link(item)
    with reading() as session:
        kept = session.scalar(text("SELECT access_token FROM plaid_item"))
    assert item.access_token not in str(kept)


def test_a_bank_cannot_move_to_another_household(plaid: FakePlaid) -> None:
    item = plaid.bank.new_item()
    link(item)
    with pytest.raises(LinkedElsewhere):
        link(item)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(BankAccount)) == 2


def test_a_grant_is_kept_though_plaid_cannot_describe_it_yet(plaid: FakePlaid) -> None:
    item = plaid.bank.new_item()
    item.add(Tx(id="a", account_id=item.account.id, cents=100))
    plaid.faults.rate_limit("/item/get", seconds=1)
    item_id = link(item)
    assert (accounts_of(item_id), item_row(item_id).institution) == ([], "")
    run_sync(item_id)
    assert len(accounts_of(item_id)) == 2
    assert item_row(item_id).institution == "First Platypus Bank"


def test_a_public_token_is_exchanged_once(plaid: FakePlaid) -> None:
    item = plaid.bank.new_item()
    token = plaid.bank.public_token(item)
    assert port().exchange(public_token=token) == Grant(item_id=item.id, access_token=item.access_token)
    with pytest.raises(PlaidRefused, match="INVALID_PUBLIC_TOKEN"):
        port().exchange(public_token=token)


def test_a_mended_connection_is_active_and_synced(plaid: FakePlaid) -> None:
    item, home = plaid.bank.new_item(), household()
    item_id = link(item, home)
    run_sync(item_id)
    with transaction() as session:
        connection.expiring(session, connection.locked(session, item_id=item_id), reason="PENDING_EXPIRATION")
    error = service.error_of(port(), access_token=item.access_token)
    with transaction() as session:
        assert service.judge(session, item_id=item_id, error=error, now=NOW).status == ItemStatus.ACTIVE
    assert len(jobs(requests.SYNC_TASK)) == 2
    assert told().count(("bank_repaired", home.admins[0])) == 1


def test_the_night_s_syncs_are_spread_and_leave_out_what_is_broken(plaid: FakePlaid) -> None:
    home = household()
    ids = [link(plaid.bank.new_item(), home) for _ in range(6)]
    with transaction() as session:
        session.execute(
            update(PlaidItem).where(PlaidItem.id == ids[0]).values(status=ItemStatus.LOGIN_REQUIRED)
        )
        session.execute(update(PlaidItem).where(PlaidItem.id == ids[1]).values(status=ItemStatus.EXPIRING))

    def night(day: int, *, per_minute: int = 1000) -> dict[str, int]:
        with transaction() as session:
            return requests.request_all(
                session, night=date(2026, 1, day), per_minute=per_minute, commit=flushing(session)
            )

    def queued(day: int) -> list[Job]:
        key = f"banking-night:2026-01-0{day}:"
        return [job for job in jobs(requests.SYNC_TASK) if (job.key or "").startswith(key)]

    assert night(1) == {"items": 6, "queued": 5, "already_queued": 0, "broken": 1}
    assert night(1) == {"items": 6, "queued": 0, "already_queued": 5, "broken": 1}
    assert sorted(job.kwargs["item_id"] for job in queued(1)) == ids[1:]
    waits = sorted((job.run_at - job.accepted_at).total_seconds() for job in queued(1) if job.run_at)
    part = requests.MIN_SPREAD.total_seconds() / 5
    assert [int(wait / part) for wait in waits] == [0, 1, 2, 3, 4], "each in its own part"
    assert night(2, per_minute=1)["queued"] == 5
    longest = max((job.run_at - job.accepted_at).total_seconds() for job in queued(2) if job.run_at)
    assert longest > 16 * 60, "a slow pace takes longer than the least spread"


def test_a_sync_that_a_webhook_asks_for_does_not_wait_for_the_night_s(plaid: FakePlaid) -> None:
    item_id = link(plaid.bank.new_item())
    run_sync(item_id)
    with transaction() as session:
        requests.request_all(session, night=date(2026, 1, 1), per_minute=1000, commit=flushing(session))
        job_id = requests.request_sync(session, session.get_one(PlaidItem, item_id))
    asked = next(job for job in jobs(requests.SYNC_TASK) if job.id == job_id)
    assert asked.state == "ready"


def test_an_item_is_found_in_its_own_household_only(plaid: FakePlaid) -> None:
    home, other = household(), household()
    item_id = link(plaid.bank.new_item(), home)
    with reading() as session:
        assert linked.item(session, item_id=item_id, household_id=home.id).id == item_id
        with pytest.raises(ItemNotFound):
            linked.item(session, item_id=item_id, household_id=other.id)

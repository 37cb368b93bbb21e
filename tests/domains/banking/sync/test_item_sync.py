"""One item's sync: whatever Plaid's pages say and do, the tables end as the bank is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.domains.banking.errors import (
    AccountNotFound,
    ItemNotFound,
    NeverSettled,
    PlaidRefused,
    PlaidUnavailable,
    SyncInProgress,
    SyncOvertaken,
)
from app.domains.banking.models import BankAccount, Category, ItemStatus, PlaidItem, Transaction
from app.domains.banking.sync import item_sync, requests
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from tests.domains.banking.linking import (
    NOW,
    accounts_of,
    at_bank,
    household,
    item_row,
    jobs,
    link,
    run_sync,
    small_pages,
    stored,
    told,
)
from tests.fakes.plaid.history import Tx
from tests.fakes.plaid.server import SYNC

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.plaid import FakePlaid
    from tests.fakes.plaid.bank import Item


@pytest.fixture
def item(plaid: FakePlaid) -> Item:
    return plaid.bank.new_item()


def tx(item: Item, name: str, **values: Any) -> Tx:
    return Tx(**{"id": name, "account_id": item.account.id, "cents": 1234, **values})


def adding(item: Item, name: str) -> Callable[[], None]:
    """Something that happens at the bank: a new transaction."""

    def add() -> None:
        item.add(tx(item, name))

    return add


def test_all_pages_are_stored_with_the_cursor(plaid: FakePlaid, item: Item) -> None:
    item.history.fill(account_id=item.account.id, count=1100)
    item_id = link(item)
    stats = run_sync(item_id)
    assert (stats.pages, stats.put, stats.removed, stats.status) == (3, 1100, 0, "active")
    assert stored(item_id) == at_bank(item)
    assert len(stored(item_id)) == 1100
    assert (item_row(item_id).cursor, item_row(item_id).synced_at) == ("1100", NOW)


def test_the_next_sync_brings_what_changed_since(plaid: FakePlaid, item: Item) -> None:
    first, second = item.add(tx(item, "a")), item.add(tx(item, "b"))
    item_id = link(item)
    run_sync(item_id)
    item.modify(first, cents=-5)
    item.remove(second)
    item.add(tx(item, "c"))
    stats = run_sync(item_id)
    assert (stats.pages, stats.put, stats.removed) == (1, 2, 1)
    assert stored(item_id) == at_bank(item)
    assert [body.get("cursor") for path, body in plaid.requests if path == SYNC] == [None, "2"]


def test_a_pending_transaction_is_followed_to_the_posted_one(plaid: FakePlaid, item: Item) -> None:
    pending = item.add(tx(item, "p", pending=True))
    item_id = link(item)
    run_sync(item_id)
    item.post(pending, cents=1300)
    run_sync(item_id)
    assert list(stored(item_id)) == ["p-posted"]
    assert stored(item_id)["p-posted"]["pending_id"] == "p"
    assert not stored(item_id)["p-posted"]["pending"]


def test_accounts_get_their_balances_and_lose_their_error(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    with transaction() as session:
        session.execute(update(BankAccount).values(sync_error="broken", include_in_budget=False))
    item.account.current = 7.5
    run_sync(item_id, now=NOW + timedelta(hours=1))
    checking, saving = accounts_of(item_id)
    assert (checking.current_balance, saving.current_balance) == (750, 123456)
    assert (checking.sync_error, checking.synced_at) == (None, NOW + timedelta(hours=1))
    assert not checking.include_in_budget


def test_transactions_find_the_category_of_their_household(plaid: FakePlaid, item: Item) -> None:
    home, other = household(), household()
    mine, theirs = (
        Category(household_id=one.id, name="Food", plaid_category="FOOD_AND_DRINK") for one in (home, other)
    )
    with transaction() as session:
        session.add_all([theirs, mine])
    first = item.add(tx(item, "food"))
    item.add(tx(item, "other", category="TRAVEL"))
    item.add(tx(item, "none", category=None))
    link_id = link(item, home)
    run_sync(link_id)
    assert categories() == {"food": mine.id, "other": None, "none": None}
    chosen = Category(household_id=home.id, name="Treats", plaid_category=None)
    with transaction() as session:
        session.add(chosen)
        session.flush()
        session.execute(update(Transaction).values(category_id=chosen.id))
    item.modify(first, cents=1)
    run_sync(link_id)
    assert categories()["food"] == chosen.id, "what somebody chose stays"
    item.modify(first, category="TRAVEL")
    run_sync(link_id)
    assert categories()["food"] is None, "unless the bank sees it in another light"


def categories() -> dict[str, int | None]:
    with reading() as session:
        rows = session.execute(select(Transaction.plaid_transaction_id, Transaction.category_id))
        return dict(rows.all())


def test_a_mutation_between_pages_starts_again_from_the_old_cursor(
    plaid: FakePlaid, item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pages(monkeypatch, 10)
    item.history.fill(account_id=item.account.id, count=25)
    item_id = link(item)
    gone = next(iter(item.history.transactions().values()))
    plaid.faults.first(SYNC, lambda: item.remove(gone), after=1)
    stats = run_sync(item_id)
    assert (stats.pages, stats.put, stats.removed) == (3, 25, 1)
    assert stored(item_id) == at_bank(item)
    asked = [body.get("cursor") for path, body in plaid.requests if path == SYNC]
    assert asked == [None, "10.25", None, "10.26", "20.26"]


def test_transactions_that_never_settle_are_tried_later(
    plaid: FakePlaid, item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pages(monkeypatch, 2)
    item.history.fill(account_id=item.account.id, count=5)
    item_id = link(item)
    for number in range(item_sync.MAX_TRIES):
        plaid.faults.first(SYNC, adding(item, f"n{number}"), after=1)
    with pytest.raises(NeverSettled, match="each of 5 tries"):
        run_sync(item_id)
    assert (stored(item_id), item_row(item_id).cursor) == ({}, None)


def test_a_page_that_fails_leaves_nothing_behind(
    plaid: FakePlaid, item: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pages(monkeypatch, 10)
    item.history.fill(account_id=item.account.id, count=25)
    item_id = link(item)
    plaid.faults.break_down(SYNC, after=2)
    with pytest.raises(PlaidUnavailable):
        run_sync(item_id)
    assert (stored(item_id), item_row(item_id).cursor) == ({}, None)
    run_sync(item_id)
    assert stored(item_id) == at_bank(item)


def test_a_broken_connection_is_told_to_the_admins_once_per_break(plaid: FakePlaid, item: Item) -> None:
    home = household()
    item_id = link(item, home)
    item.error = "ITEM_LOGIN_REQUIRED"
    for _ in range(2):
        stats = run_sync(item_id)
        assert (stats.status, stats.error) == (ItemStatus.LOGIN_REQUIRED, "ITEM_LOGIN_REQUIRED")
    relinks = [("bank_relink", admin) for admin in home.admins]
    assert told() == relinks
    assert "asks for a new sign-in" in (accounts_of(item_id)[0].sync_error or "")
    item.error = None
    assert run_sync(item_id).status == ItemStatus.ACTIVE
    assert item_row(item_id).repairs == 1
    assert accounts_of(item_id)[0].sync_error is None
    repairs = [("bank_repaired", admin) for admin in home.admins]
    assert told() == relinks + repairs
    item.error = "ITEM_LOGIN_REQUIRED"
    run_sync(item_id)
    assert told() == sorted(relinks * 2) + repairs, "the second break is another one"


def test_an_access_token_that_plaid_does_not_know_is_noted_on_the_accounts(
    plaid: FakePlaid, item: Item
) -> None:
    item_id = link(item)
    item.removed = True
    with pytest.raises(PlaidRefused, match="INVALID_ACCESS_TOKEN"):
        run_sync(item_id)
    assert "INVALID_ACCESS_TOKEN" in (accounts_of(item_id)[0].sync_error or "")


def test_an_account_that_was_taken_back_keeps_its_reason(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    with transaction() as session:
        session.execute(
            update(BankAccount)
            .where(BankAccount.plaid_account_id == item.account.id)
            .values(is_active=False, sync_error="taken back")
        )
    run_sync(item_id)
    assert [account.sync_error for account in accounts_of(item_id)] == ["taken back", None]


def test_a_revoked_connection_is_left_alone(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    with transaction() as session:
        session.execute(update(PlaidItem).values(status=ItemStatus.REVOKED))
    assert run_sync(item_id).status == ItemStatus.REVOKED
    assert plaid.count(SYNC) == 0


def test_no_transaction_is_open_while_plaid_is_asked(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    seen: list[str] = []

    def write() -> None:
        with transaction() as session:
            session.execute(update(PlaidItem).values(institution="Renamed meanwhile"))
        seen.append(item_row(item_id).institution)

    plaid.faults.first(SYNC, write)
    run_sync(item_id)
    assert seen == ["Renamed meanwhile"]


def running_job() -> str:
    """A job that a live worker holds."""
    with transaction() as session:
        job_id = accept(session, [new_job(requests.SYNC_TASK, kwargs={"item_id": 1})])[0].id
        session.execute(
            update(Job).where(Job.id == job_id).values(state=State.RUNNING, lease_until=clock(60))
        )
        return job_id


def test_a_second_sync_waits_for_the_first(plaid: FakePlaid, item: Item) -> None:
    item_id, other = link(item), running_job()
    with transaction() as session:
        session.execute(update(PlaidItem).values(sync_job_id=other))
    with pytest.raises(SyncInProgress, match=other):
        run_sync(item_id)
    assert plaid.count(SYNC) == 0
    with transaction() as session:
        session.execute(update(Job).where(Job.id == other).values(lease_until=clock(-1)))
    assert run_sync(item_id).status == ItemStatus.ACTIVE


def test_a_sync_that_was_overtaken_changes_nothing(plaid: FakePlaid, item: Item) -> None:
    item.add(tx(item, "a"))
    item_id = link(item)

    def overtake() -> None:
        run_sync(item_id, job_id="job-2")

    plaid.faults.first(SYNC, overtake)
    with pytest.raises(SyncOvertaken):
        run_sync(item_id, job_id="job-1")
    assert stored(item_id) == at_bank(item)
    assert item_row(item_id).sync_job_id == "job-2"


def test_all_who_ask_before_a_sync_begins_share_it(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)

    def ask() -> str:
        with transaction() as session:
            return requests.request_sync(session, session.get_one(PlaidItem, item_id))

    first = jobs(requests.SYNC_TASK)[0].id
    assert {ask() for _ in range(5)} == {first}
    run_sync(item_id)
    later = {ask() for _ in range(5)}
    assert len(later) == 1
    assert first not in later, "a sync that has begun may be past what the caller knows of"


def test_a_cancelled_sync_does_not_stand_in_the_way_of_later_ones(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    with transaction() as session:
        session.execute(update(Job).values(state=State.CANCELLED))
    with transaction() as session:
        requests.request_sync(session, session.get_one(PlaidItem, item_id))
    assert [job.state for job in jobs(requests.SYNC_TASK)] == [State.CANCELLED, State.READY]


def test_what_does_not_exist_is_named(plaid: FakePlaid) -> None:
    with pytest.raises(ItemNotFound, match="4711"):
        run_sync(4711)
    with reading() as session, pytest.raises(AccountNotFound, match="4711"):
        item_sync.item_of_account(session, account_id=4711)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "modify", "remove", "post", "sync", "mutate", "fail"]), st.integers(0, 30)
    ),
    max_size=40,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@example(steps=[("add", 0)] * 4 + [("mutate", 1)] * 5 + [("sync", 0)])
def test_whatever_happens_the_tables_end_as_the_bank_is(
    plaid: FakePlaid, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]]
) -> None:
    small_pages(monkeypatch, 3)
    item = plaid.bank.new_item()
    item_id = link(item)
    for number, (what, choice) in enumerate(steps):
        _step(plaid, item, item_id, what=what, choice=choice, number=number)
    plaid.faults.forget()
    run_sync(item_id)
    assert stored(item_id) == at_bank(item)


def _step(plaid: FakePlaid, item: Item, item_id: int, *, what: str, choice: int, number: int) -> None:
    known = list(item.history.transactions().values())
    if what == "sync":
        try:
            run_sync(item_id)
        except (PlaidUnavailable, NeverSettled):
            # Tried again later, as these errors ask for.
            assert item_row(item_id).status == ItemStatus.ACTIVE
    elif what == "mutate":
        plaid.faults.first(SYNC, adding(item, f"m{number}"), after=choice % 3)
    elif what == "fail":
        plaid.faults.break_down(SYNC, after=choice % 3)
    elif what == "add" or not known:
        account = item.accounts[choice % 2].id
        item.add(tx(item, f"t{number}", cents=choice - 15, account_id=account, pending=choice % 3 == 0))
    elif what == "modify":
        item.modify(known[choice % len(known)], cents=choice, category="TRAVEL")
    elif what == "remove":
        item.remove(known[choice % len(known)])
    else:
        item.post(known[choice % len(known)])

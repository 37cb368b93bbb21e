"""A sync that goes back between two calls goes on where it was, and asks for each page once."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from app.db.sessions import reading, transaction
from app.domains.banking.errors import ItemNotFound, NeverSettled, PlaidUnavailable, SyncInProgress
from app.domains.banking.models import BankAccount, PlaidAnswer, PlaidItem
from app.domains.banking.sync import item_sync, requests, resuming
from app.jobs.accept import accept
from app.jobs.errors import LeaseLost, NotYourTurn
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.jobs.transitions import attempt
from tests.domains.banking.linking import NOW, at_bank, item_row, jobs, link, run_sync, small_pages, stored
from tests.fakes.plaid.history import Tx
from tests.fakes.plaid.server import SYNC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from app.domains.banking.facts import SyncStats
    from tests.fakes.plaid import FakePlaid
    from tests.fakes.plaid.bank import Item

ACCOUNTS = "/accounts/get"


@pytest.fixture
def item(plaid: FakePlaid, monkeypatch: pytest.MonkeyPatch) -> Item:
    """An item of three pages."""
    small_pages(monkeypatch, 10)
    made = plaid.bank.new_item()
    made.history.fill(account_id=made.account.id, count=25)
    return made


def turns(count: int) -> Callable[[], None]:
    """So many turns, and then it is others'."""
    left = itertools.repeat(None, count)

    def take() -> None:
        if next(left, left) is left:
            raise NotYourTurn(partition="test")

    return take


def sync(item_id: int, *, by: Iterable[int] = itertools.repeat(1), job_id: str = "job-1") -> SyncStats:
    """The attempts of one job until it is done, each with its number of turns."""
    for count in by:
        try:
            return run_sync(item_id, job_id=job_id, turn=turns(count))
        except NotYourTurn:
            continue
    raise AssertionError("it had no turn left")


def go_back(item_id: int, *, after: int, job_id: str = "job-1") -> None:
    with pytest.raises(NotYourTurn):
        run_sync(item_id, job_id=job_id, turn=turns(after))


def adding(item: Item, tx: Tx) -> Callable[[], None]:
    """Something that happens at the bank."""

    def add() -> None:
        item.add(tx)

    return add


def kept() -> Sequence[PlaidAnswer]:
    with reading() as session:
        return session.scalars(select(PlaidAnswer).order_by(PlaidAnswer.number)).all()


def cursors(plaid: FakePlaid) -> list[str | None]:
    return [body.get("cursor") for path, body in plaid.requests if path == SYNC]


def test_each_page_is_asked_for_once_however_often_the_sync_goes_back(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    plaid.requests.clear()
    stats = sync(item_id)
    assert (stats.pages, stats.put) == (3, 25)
    assert stored(item_id) == at_bank(item)
    assert [path for path, _ in plaid.requests] == [ACCOUNTS, SYNC, SYNC, SYNC]
    assert cursors(plaid) == [None, "10.25", "20.25"]
    assert (kept(), item_row(item_id).syncs) == ([], 1)


def test_a_sync_that_never_waits_keeps_nothing(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    seen: list[int] = []
    plaid.faults.first(SYNC, lambda: seen.append(len(kept())), after=2)
    run_sync(item_id)
    assert (seen, kept()) == ([0], [])
    assert stored(item_id) == at_bank(item)


def test_only_what_is_new_is_written_each_time_and_never_the_access_token(
    plaid: FakePlaid, item: Item
) -> None:
    item_id = link(item)
    for number in range(1, 4):
        go_back(item_id, after=1)
        assert [row.number for row in kept()] == list(range(1, number + 1))
    written = "".join(f"{row.operation} {row.request} {row.content!r}" for row in kept())
    assert item.access_token not in written


def test_a_failure_on_the_way_loses_no_page_that_was_waited_for(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    go_back(item_id, after=2)
    plaid.faults.break_down(SYNC)
    with pytest.raises(PlaidUnavailable):
        run_sync(item_id)
    sync(item_id)
    assert stored(item_id) == at_bank(item)
    assert cursors(plaid) == [None, "10.25", "10.25", "20.25"]


@pytest.mark.parametrize("content", [b"", b"junk", b"x\x9c\xab\x56\x02\x00\x01\x17\x00\xa7"])
def test_what_another_release_kept_and_nobody_can_read_is_asked_for_again(
    plaid: FakePlaid, item: Item, content: bytes
) -> None:
    item_id = link(item)
    go_back(item_id, after=2)
    with transaction() as session:
        session.execute(update(PlaidAnswer).values(content=content))
    sync(item_id)
    assert (stored(item_id), kept()) == (at_bank(item), [])


def test_a_mutation_after_going_back_starts_again_from_the_old_cursor(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    gone = next(iter(item.history.transactions().values()))
    plaid.faults.first(SYNC, lambda: item.remove(gone), after=1)
    stats = sync(item_id)
    assert (stats.pages, stats.put, stats.removed) == (3, 25, 1)
    assert stored(item_id) == at_bank(item)
    assert cursors(plaid) == [None, "10.25", None, "10.26", "20.26"]


def test_transactions_that_never_settle_are_tried_no_more_often_because_the_sync_waits(
    plaid: FakePlaid, item: Item
) -> None:
    item_id = link(item)
    for number in range(item_sync.MAX_TRIES):
        plaid.faults.first(
            SYNC, adding(item, Tx(id=f"n{number}", account_id=item.account.id, cents=1)), after=1
        )
    with pytest.raises(NeverSettled):
        sync(item_id)
    assert kept() == []
    sync(item_id)
    assert stored(item_id) == at_bank(item)


def test_a_sync_that_waits_keeps_the_item_until_it_has_ended(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    with transaction() as session:
        waiting = accept(session, [new_job(requests.SYNC_TASK, kwargs={"item_id": item_id})])[0].id
        session.execute(update(Job).where(Job.id == waiting).values(partition="p", published_at=None))
    go_back(item_id, after=2, job_id=waiting)
    with pytest.raises(SyncInProgress, match=waiting):
        run_sync(item_id, job_id="other")
    assert len(kept()) == 2
    with transaction() as session:
        session.execute(update(Job).values(state=State.CANCELLED))
    go_back(item_id, after=1, job_id="other")
    assert {row.job_id for row in kept()} == {"other"}
    sync(item_id, job_id="other")
    assert (stored(item_id), kept()) == (at_bank(item), [])


def test_a_sync_that_has_become_another_workers_keeps_nothing(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    running = attempt.begin(job_id=jobs(requests.SYNC_TASK)[0].id, attempt=0, worker="here")
    assert running

    first = turns(1)

    def take_and_lose() -> None:
        try:
            first()
        except NotYourTurn:
            with transaction() as session:
                session.execute(update(Job).values(fence=Job.fence + 1))
            raise

    try:
        with pytest.raises(LeaseLost):
            resuming.sync_item(
                attempt.job_session(),
                item_id=item_id,
                take_turn=take_and_lose,
                job_id=running.id,
                commit=attempt.checkpoint,
                now=NOW,
            )
    finally:
        attempt.end_current()
    assert kept() == []


def test_an_item_that_is_gone_takes_its_answers_along(plaid: FakePlaid, item: Item) -> None:
    item_id = link(item)
    go_back(item_id, after=2)
    with transaction() as session:
        session.execute(delete(BankAccount))
        session.execute(delete(PlaidItem))
    assert kept() == []
    with pytest.raises(ItemNotFound):
        run_sync(item_id)


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "mutate", "fail", "other"]), st.integers(0, 5)), max_size=15
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, by=st.lists(st.integers(0, 3), min_size=1, max_size=5))
@example(steps=[("add", 0)] * 4 + [("mutate", 1)] * 3 + [("other", 1)], by=[0, 1])
def test_whatever_happens_while_a_sync_waits_the_tables_end_as_the_bank_is(
    plaid: FakePlaid, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, int]], by: list[int]
) -> None:
    small_pages(monkeypatch, 3)
    item = plaid.bank.new_item()
    item_id = link(item)
    counts = itertools.cycle([*by, 1])
    for number, (what, choice) in enumerate(steps):
        _happen(plaid, item, what=what, choice=choice, number=number)
        try:
            run_sync(item_id, job_id="b" if what == "other" else "a", turn=turns(next(counts)))
        except (NotYourTurn, PlaidUnavailable, NeverSettled):
            continue
    plaid.faults.forget()
    sync(item_id, by=counts, job_id="a")
    assert (stored(item_id), kept()) == (at_bank(item), [])


def _happen(plaid: FakePlaid, item: Item, *, what: str, choice: int, number: int) -> None:
    known = list(item.history.transactions().values())
    new: dict[str, Any] = {"account_id": item.accounts[choice % 2].id, "cents": choice}
    if what == "mutate":
        plaid.faults.first(SYNC, adding(item, Tx(id=f"m{number}", **new)), after=choice % 3)
    elif what == "fail":
        plaid.faults.break_down(SYNC, after=choice % 3)
    elif what == "remove" and known:
        item.remove(known[choice % len(known)])
    else:
        for place in range(choice):
            item.add(Tx(id=f"t{number}-{place}", **new))

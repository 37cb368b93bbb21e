"""Syncs that wait for their turn at Plaid: real workers and both databases."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.db.sessions import reading, transaction
from app.domains.banking import tasks
from app.domains.banking.models import PlaidAnswer
from app.jobs.ledger.models import State
from app.jobs.service import cancel_job, detail_of
from tests.domains.banking.linking import at_bank, link, stored
from tests.domains.banking.test_tasks import SECONDS, job, linked, reached, received, wait_for
from tests.fakes.plaid.server import SYNC
from tests.jobs.running import attempts_of
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.plaid import FakePlaid
    from tests.fakes.plaid.bank import Item
    from tests.fleet import Fleet, Process

pytestmark = pytest.mark.databases("postgresql")

ACCOUNTS = "/accounts/get"


def item_of(plaid: FakePlaid, *, pages: int) -> Item:
    made = plaid.bank.new_item()
    made.history.fill(account_id=made.account.id, count=500 * pages)
    return made


def start_worker(fleet: Fleet, name: str) -> Process:
    """A worker of one process."""
    return fleet.start_worker(name, queues="banking,notifications", processes=1)


def kept() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(PlaidAnswer)) or 0


def is_held(job_id: str) -> bool:
    waiting = job(job_id)
    return waiting.state == State.READY and waiting.published_at is None


def test_over_two_workers_plaid_is_asked_no_more_often_than_it_takes_and_for_each_page_once(
    plaid: FakePlaid, fleet: Fleet, configure: Callable[..., None]
) -> None:
    items = [item_of(plaid, pages=2) for _ in range(4)]
    ids = [linked(item) for item in items]
    plaid.requests.clear()
    plaid.moments.clear()
    configure(plaid_per_minute=120)
    fleet.start_beat()
    for name in ("first", "second"):
        start_worker(fleet, name)
    syncs = [tasks.sync_item.delay(item_id).id for item_id in ids]
    assert {wait_for(sync).attempt for sync in syncs} == {1}, "nobody failed"
    assert [stored(item_id) for item_id in ids] == [at_bank(item) for item in items]
    assert len(plaid.moments) == len(ids) * 3
    asked = Counter((path, body["access_token"], body.get("cursor")) for path, body in plaid.requests)
    assert set(asked.values()) == {1}
    # Two in a second; a call is made a moment after its turn was counted, by each of two processes.
    for first, later in zip(plaid.moments, plaid.moments[4:], strict=False):
        assert later - first > 0.9
    assert kept() == 0


def test_a_sync_that_waits_for_its_turn_holds_up_no_other_job(
    plaid: FakePlaid, fleet: Fleet, configure: Callable[..., None]
) -> None:
    item = item_of(plaid, pages=3)
    item_id = linked(item)
    configure(plaid_per_minute=1)
    fleet.start_beat()
    start_worker(fleet, "only")
    # Plaid was asked for the new item by a person, which is never refused, and counted.
    link(plaid.bank.new_item())
    sync = tasks.sync_item.delay(item_id).id
    wait_until(lambda: is_held(sync), seconds=SECONDS, what="the sync is held")
    other = tasks.handle_plaid_webhook.delay(received(item, "ITEM", "UNHEARD_OF")).id
    assert wait_for(other).result == {"done": "nothing", "status": None}
    assert is_held(sync)
    assert (job(sync).attempt, plaid.count(SYNC)) == (0, 0)
    with reading() as session:
        assert "No more than 1/m may begin" in str(detail_of(session, job_id=sync).waits_for)


def test_a_sync_whose_worker_dies_after_it_went_back_is_done_by_another(
    plaid: FakePlaid, fleet: Fleet, configure: Callable[..., None]
) -> None:
    item = item_of(plaid, pages=3)
    item_id = linked(item)
    plaid.requests.clear()
    configure(plaid_per_minute=20)
    held = plaid.faults.hold(SYNC, after=1)
    fleet.start_beat()
    first = start_worker(fleet, "first")
    sync = tasks.sync_item.delay(item_id).id
    reached(held)
    assert kept() >= 1
    first.kill()
    held.release()
    assert stored(item_id) == {}
    start_worker(fleet, "second")
    assert wait_for(sync).attempt == 2
    assert {attempt.outcome for attempt in attempts_of(sync)} == {"released", "lost"}
    assert stored(item_id) == at_bank(item)
    cursors = [body.get("cursor") for path, body in plaid.requests if path == SYNC]
    assert cursors == [None, "500.1500", "500.1500", "1000.1500"]
    assert (plaid.count(ACCOUNTS), kept()) == (1, 0)


def test_a_cancelled_sync_that_waits_asks_for_no_more(
    plaid: FakePlaid, fleet: Fleet, configure: Callable[..., None]
) -> None:
    item_id = linked(item_of(plaid, pages=1))
    configure(plaid_per_minute=1)
    fleet.start_beat()
    start_worker(fleet, "only")
    link(plaid.bank.new_item())
    sync = tasks.sync_item.delay(item_id).id
    wait_until(lambda: is_held(sync), seconds=SECONDS, what="the sync is held")
    with transaction() as session:
        cancel_job(session, job_id=sync, reason="a person said so")
    assert job(sync).state == State.CANCELLED
    assert plaid.count(SYNC) == 0

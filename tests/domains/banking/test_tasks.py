"""The tasks of banking, run by real workers against a Plaid that is a real server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, text, update

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.banking import removing, tasks
from app.domains.banking.models import ItemStatus, PlaidItem
from app.domains.banking.sync import requests
from app.domains.banking.webhooks import inbox
from app.domains.banking.webhooks.verification import Verified
from app.jobs.declaration.registry import tasks as declared
from app.jobs.ledger.models import Job, State
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.topology import Queue
from tests.domains.banking.linking import (
    NOW,
    accounts_of,
    at_bank,
    household,
    item_row,
    jobs,
    link,
    run_sync,
    stored,
    told,
)
from tests.fakes.plaid.history import Tx
from tests.fakes.plaid.server import SYNC
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.plaid import FakePlaid
    from tests.fakes.plaid.bank import Item
    from tests.fakes.plaid.faults import Held
    from tests.fleet import Fleet, Process

pytestmark = pytest.mark.databases("postgresql")

SECONDS = 60


def start_worker(fleet: Fleet, name: str = "banking") -> Process:
    return fleet.start_worker(name, queues=",".join(Queue))


def job(job_id: str) -> Job:
    with reading() as session:
        return session.get_one(Job, job_id)


def wait_for(job_id: str, state: State = State.DONE) -> Job:
    wait_until(lambda: job(job_id).state == state, seconds=SECONDS, what=f"job {job_id} is {state}")
    return job(job_id)


def reached(held: Held) -> None:
    assert held.reached.wait(SECONDS), "nobody asked"


@pytest.fixture
def item(plaid: FakePlaid) -> Item:
    return plaid.bank.new_item()


def stop_first_sync() -> None:
    """Call off the sync that linking asked for, so that a test sees only its own."""
    with transaction() as session:
        session.execute(update(Job).where(Job.task == requests.SYNC_TASK).values(state=State.CANCELLED))


def linked(item: Item) -> int:
    item_id = link(item)
    stop_first_sync()
    return item_id


def received(item: Item, kind: str, code: str) -> int:
    """A webhook that was kept; its handling is called off, so that a test asks for it itself."""
    body = {"webhook_type": kind, "webhook_code": code, "item_id": item.id}
    with transaction() as session:
        verified = Verified(digest=f"{code}-{time.monotonic()}", body=body)
        webhook_id = inbox.store(session, verified=verified, now=NOW)
        session.execute(update(Job).where(Job.task == inbox.HANDLE_TASK).values(state=State.CANCELLED))
        return webhook_id


def test_each_task_has_its_queue_and_schedule() -> None:
    assert {
        name: (spec.queue, spec.schedule, spec.public)
        for name, spec in declared().items()
        if name.startswith("banking.")
    } == {
        "banking.sync_account_transactions": (Queue.BANKING, None, True),
        "banking.sync_item": (Queue.BANKING, None, False),
        "banking.sync_all_accounts": (Queue.BANKING, cron("0 2 * * *"), True),
        "banking.handle_plaid_webhook": (Queue.BANKING, None, False),
        "banking.forget_handled_webhooks": (Queue.MAINTENANCE, cron("45 3 * * *"), False),
        "banking.remove_item": (Queue.BANKING, None, False),
        "banking.send_bill_reminders": (Queue.NOTIFICATIONS, cron("*/15 * * * *"), True),
        "banking.check_budget_alerts": (Queue.NOTIFICATIONS, cron("0 */6 * * *"), True),
    }
    own = {requests.SYNC_TASK, requests.CHECK_TASK, inbox.HANDLE_TASK, removing.REMOVE_TASK}
    assert own <= set(declared())


# sync_account_transactions


def test_a_worker_syncs_an_account_and_a_second_time_there_is_nothing_to_do(
    plaid: FakePlaid, item: Item, fleet: Fleet
) -> None:
    item.history.fill(account_id=item.account.id, count=700)
    item_id = linked(item)
    start_worker(fleet)
    account_id = accounts_of(item_id)[0].id
    first = tasks.sync_account_transactions.delay(account_id).get(timeout=SECONDS)
    assert first == {"pages": 2, "put": 700, "removed": 0, "set_aside": 0, "status": "active", "error": None}
    assert stored(item_id) == at_bank(item)
    again = tasks.sync_account_transactions.delay(account_id).get(timeout=SECONDS)
    assert again == {"pages": 1, "put": 0, "removed": 0, "set_aside": 0, "status": "active", "error": None}
    assert stored(item_id) == at_bank(item)


def test_a_sync_whose_worker_dies_between_pages_is_done_by_another(
    plaid: FakePlaid, item: Item, fleet: Fleet
) -> None:
    item.history.fill(account_id=item.account.id, count=1100)
    item_id = linked(item)
    held = plaid.faults.hold(SYNC, after=1)
    first = start_worker(fleet, "first")
    job_id = tasks.sync_account_transactions.delay(accounts_of(item_id)[0].id).id
    reached(held)
    first.kill()
    held.release()
    assert (stored(item_id), item_row(item_id).cursor) == ({}, None)
    fleet.start_beat()
    start_worker(fleet, "second")
    done = wait_for(job_id)
    assert done.attempt == 2
    assert done.result is not None
    assert done.result["put"] == 1100
    assert stored(item_id) == at_bank(item)


def test_a_sync_whose_worker_dies_while_it_writes_is_done_by_another(
    plaid: FakePlaid, item: Item, fleet: Fleet
) -> None:
    item.history.fill(account_id=item.account.id, count=300)
    item_id = linked(item)
    held = plaid.faults.hold(SYNC)
    first = start_worker(fleet, "first")
    job_id = tasks.sync_account_transactions.delay(accounts_of(item_id)[0].id).id
    reached(held)
    with transaction() as blocker:
        # The sync can write its pages, but not its end: on SQLite nobody can write at all.
        blocker.execute(update(PlaidItem).values(institution="Held"))
        held.release()
        if engine().dialect.name == "postgresql":
            wait_until(_somebody_waits, seconds=SECONDS, what="the sync waits for the item")
        first.kill()
    assert (stored(item_id), item_row(item_id).cursor) == ({}, None)
    fleet.start_beat()
    start_worker(fleet, "second")
    assert wait_for(job_id).attempt == 2
    assert stored(item_id) == at_bank(item)


def _somebody_waits() -> bool:
    with reading() as session:
        return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def test_trouble_that_passes_is_waited_out(plaid: FakePlaid, item: Item, fleet: Fleet) -> None:
    item.history.fill(account_id=item.account.id, count=600)
    item_id = linked(item)
    plaid.faults.rate_limit(SYNC, seconds=3)
    plaid.faults.break_down(SYNC, after=1)
    plaid.faults.slow_down(SYNC, seconds=0.5)
    fleet.start_beat()
    start_worker(fleet)
    job_id = tasks.sync_item.delay(item_id).id
    waiting = wait_for(job_id, State.SCHEDULED)
    assert "TRANSACTIONS_LIMIT" in (waiting.error or "")
    assert waiting.run_at is not None
    assert waiting.started_at is not None
    assert (waiting.run_at - waiting.started_at).total_seconds() >= 3
    assert wait_for(job_id).attempt == 3
    assert stored(item_id) == at_bank(item)


def test_a_bank_that_asks_for_a_sign_in_ends_the_job_and_is_told(
    plaid: FakePlaid, item: Item, fleet: Fleet
) -> None:
    item_id = linked(item)
    item.error = "ITEM_LOGIN_REQUIRED"
    start_worker(fleet)
    result = tasks.sync_item.delay(item_id).get(timeout=SECONDS)
    assert (result["status"], result["error"]) == ("login_required", "ITEM_LOGIN_REQUIRED")
    assert item_row(item_id).status == ItemStatus.LOGIN_REQUIRED
    assert len(told()) == 2


def test_a_token_that_plaid_does_not_know_makes_the_job_dead_at_once(
    plaid: FakePlaid, item: Item, fleet: Fleet
) -> None:
    item_id = linked(item)
    item.removed = True
    start_worker(fleet)
    dead = wait_for(tasks.sync_item.delay(item_id).id, State.DEAD)
    assert dead.attempt == 1
    assert "INVALID_ACCESS_TOKEN" in (dead.error or "")


def test_what_is_asked_for_while_a_sync_runs_is_one_more_sync_after_it(
    plaid: FakePlaid, item: Item, fleet: Fleet
) -> None:
    item.add(Tx(id="early", account_id=item.account.id, cents=1))
    item_id = linked(item)
    held = plaid.faults.hold(SYNC)
    fleet.start_beat()
    start_worker(fleet)
    running = tasks.sync_item.delay(item_id).id
    reached(held)
    item.add(Tx(id="late", account_id=item.account.id, cents=2))
    with transaction() as session:
        asked = {requests.request_sync(session, session.get_one(PlaidItem, item_id)) for _ in range(10)}
    assert len(asked) == 1
    after = asked.pop()
    waiting = wait_for(after, State.SCHEDULED)
    assert f"Job {running} is syncing item {item_id} now" in (waiting.error or "")
    held.release()
    wait_for(running)
    wait_for(after)
    assert set(stored(item_id)) == {"early", "late"}


# sync_all_accounts


def test_a_night_queues_every_working_item_and_twice_is_as_once(plaid: FakePlaid, fleet: Fleet) -> None:
    home = household()
    ids = [link(plaid.bank.new_item(), home) for _ in range(5)]
    stop_first_sync()
    with transaction() as session:
        session.execute(update(PlaidItem).where(PlaidItem.id == ids[0]).values(status=ItemStatus.ERROR))
    start_worker(fleet)
    first = tasks.sync_all_accounts.delay().get(timeout=SECONDS)
    again = tasks.sync_all_accounts.delay().get(timeout=SECONDS)
    assert first == {"items": 5, "queued": 4, "already_queued": 0, "broken": 1}
    assert again == {"items": 5, "queued": 0, "already_queued": 4, "broken": 1}
    assert sorted(job.kwargs["item_id"] for job in nightly()) == ids[1:]


def nightly() -> list[Job]:
    return [job for job in jobs(requests.SYNC_TASK) if (job.key or "").startswith("banking-night:")]


def test_a_night_whose_worker_dies_queues_every_item_once(
    plaid: FakePlaid, fleet: Fleet, configure: Callable[..., None]
) -> None:
    # Its attempts are of one day, though it runs over midnight.
    configure(pretend_now=business_now().isoformat())
    count = 40 * requests.CHUNK
    many_items(count)
    first = start_worker(fleet, "first")
    job_id = tasks.sync_all_accounts.delay().id
    wait_until(lambda: job(job_id).progress, seconds=SECONDS, what="some are queued")
    first.kill()
    assert job(job_id).state == State.RUNNING, "it ended before it could be killed"
    assert 0 < len(nightly()) < count
    before = len(nightly())
    fleet.start_beat()
    start_worker(fleet, "second")
    done = wait_for(job_id)
    assert done.attempt == 2
    assert done.result == {"items": count, "queued": count - before, "already_queued": before, "broken": 0}
    assert len({job.kwargs["item_id"] for job in nightly()}) == len(nightly()) == count


def many_items(count: int) -> None:
    """Items that are only stored; Plaid does not know them."""
    home = household()
    common = {"household_id": home.id, "institution": "", "syncs": 0, "status": "active", "repairs": 0}
    rows = [
        {**common, "item_id": f"i{number}", "access_token": "x", "created_at": NOW} for number in range(count)
    ]
    with transaction() as session:
        session.execute(insert(PlaidItem), rows)


# handle_plaid_webhook


def test_a_webhook_is_handled_and_twice_is_as_once(plaid: FakePlaid, item: Item, fleet: Fleet) -> None:
    item_id = linked(item)
    run_sync(item_id)
    item.error = "ITEM_LOGIN_REQUIRED"
    webhook_id = received(item, "ITEM", "ERROR")
    start_worker(fleet)
    for _ in range(2):
        result = tasks.handle_plaid_webhook.delay(webhook_id).get(timeout=SECONDS)
        assert result == {"done": "look", "status": "login_required"}
    assert len(told()) == 2, "both admins, once"


def test_a_webhook_whose_worker_dies_has_its_effect_once(plaid: FakePlaid, item: Item, fleet: Fleet) -> None:
    item_id = linked(item)
    run_sync(item_id)
    item.error = "ITEM_LOGIN_REQUIRED"
    webhook_id = received(item, "ITEM", "ERROR")
    held = plaid.faults.hold("/item/get")
    first = start_worker(fleet, "first")
    job_id = tasks.handle_plaid_webhook.delay(webhook_id).id
    reached(held)
    with transaction() as blocker:
        # It has Plaid's answer and wants to write it down, but cannot until it is dead.
        blocker.execute(update(PlaidItem).values(institution="Held"))
        held.release()
        if engine().dialect.name == "postgresql":
            wait_until(_somebody_waits, seconds=SECONDS, what="the handler waits for the item")
        first.kill()
    assert told() == []
    fleet.start_beat()
    start_worker(fleet, "second")
    assert wait_for(job_id).attempt == 2
    assert len(told()) == 2
    assert item_row(item_id).status == ItemStatus.LOGIN_REQUIRED


def test_a_storm_of_webhooks_ends_with_what_the_bank_has(plaid: FakePlaid, item: Item, fleet: Fleet) -> None:
    item_id = linked(item)
    fleet.start_beat()
    start_worker(fleet)
    ids = []
    for number in range(10):
        item.add(Tx(id=f"t{number}", account_id=item.account.id, cents=number))
        ids.append(received(item, "TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"))
    for webhook_id in ids:
        tasks.handle_plaid_webhook.delay(webhook_id)
    wait_until(lambda: stored(item_id) == at_bank(item), seconds=SECONDS, what="all is stored")
    assert len(jobs(requests.SYNC_TASK)) <= 11

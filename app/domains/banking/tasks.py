"""The tasks of banking."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from app.domains.banking import removing
from app.domains.banking.plaid.client import Plaid, take_turn
from app.domains.banking.planning import alerts, reminders
from app.domains.banking.scopes import WRITE
from app.domains.banking.sync import item_sync, requests, resuming
from app.domains.banking.webhooks import inbox
from app.jobs.celery.task import JobTask, task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.settings.config import settings
from app.topology import Queue
from app.values.row_ids import RowId

#: Outlasts another sync of the same item, and an hour in which Plaid or the bank is down.
LONG_RETRY = Retry(max_attempts=15, first=timedelta(seconds=2))


@task(queue=Queue.BANKING, scope=WRITE, public=True, retry=LONG_RETRY, bind=True)
def sync_account_transactions(self: JobTask, account_id: RowId) -> dict[str, Any]:
    """Bring the transactions of an account up to date, and with them those of its whole item."""
    return _sync(self, item_id=item_sync.item_of_account(job_session(), account_id=account_id))


@task(name=requests.SYNC_TASK, queue=Queue.BANKING, scope=WRITE, retry=LONG_RETRY, bind=True)
def sync_item(self: JobTask, item_id: RowId) -> dict[str, Any]:
    """Bring the transactions of all accounts of an item up to date."""
    return _sync(self, item_id=item_id)


@task(queue=Queue.BANKING, scope=WRITE, schedule=cron("0 2 * * *"), public=True)
def sync_all_accounts() -> dict[str, int]:
    """Queue a sync of every working item, spread over time; the result counts what was queued."""
    return requests.request_all(
        job_session(),
        night=business_now().date(),
        per_minute=settings().plaid_per_minute,
        commit=checkpoint,
    )


@task(name=inbox.HANDLE_TASK, queue=Queue.BANKING, scope=WRITE, retry=LONG_RETRY)
def handle_plaid_webhook(webhook_id: RowId) -> dict[str, str | None]:
    """Process a stored webhook."""
    return inbox.handle(
        job_session(), webhook_id=webhook_id, plaid=Plaid(), commit=checkpoint, now=business_now()
    )


@task(name=removing.REMOVE_TASK, queue=Queue.BANKING, scope=WRITE, retry=LONG_RETRY, bind=True)
def remove_item(self: JobTask, delivery_id: RowId) -> str:
    """Have Plaid forget the connection to a bank of somebody who is erased."""
    return removing.remove(
        job_session(), delivery_id=delivery_id, job_id=str(self.request.id), commit=checkpoint
    )


@task(queue=Queue.MAINTENANCE, schedule=cron("45 3 * * *"))
def forget_handled_webhooks() -> int:
    """Delete webhooks that were handled longer ago than the retention time; the result counts them."""
    return inbox.forget_handled(job_session(), commit=checkpoint)


@task(queue=Queue.NOTIFICATIONS, scope=WRITE, schedule=cron("*/15 * * * *"), public=True)
def send_bill_reminders() -> dict[str, int]:
    """Remind members of bills that are due soon, today or overdue, from 9:00 in their own time zones."""
    return asdict(reminders.send_bill_reminders(job_session(), now=business_now(), commit=checkpoint))


@task(
    name=requests.CHECK_TASK,
    queue=Queue.NOTIFICATIONS,
    scope=WRITE,
    schedule=cron("0 */6 * * *"),
    public=True,
)
def check_budget_alerts(household_id: RowId | None = None) -> dict[str, int]:
    """Warn members of budgets that are nearly or fully spent, in all households or in one."""
    return asdict(
        alerts.check_budget_alerts(
            job_session(), now=business_now(), commit=checkpoint, household_id=household_id
        )
    )


def _sync(running: JobTask, *, item_id: int) -> dict[str, Any]:
    stats = resuming.sync_item(
        job_session(),
        item_id=item_id,
        take_turn=take_turn,
        job_id=str(running.request.id),
        commit=checkpoint,
        now=business_now(),
    )
    return asdict(stats)

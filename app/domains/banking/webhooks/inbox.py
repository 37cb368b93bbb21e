"""Stores verified webhooks of Plaid, and does what they call for. Nothing here commits."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Text, cast, exists, literal, select, update

from app.db.pruning import kept_since, prune
from app.db.upsert import insert_or_update
from app.domains.banking import connection
from app.domains.banking.errors import InvalidWebhook, WebhookNotFound
from app.domains.banking.models import BankAccount, PlaidItem, PlaidWebhook
from app.domains.banking.service import error_of, judge
from app.domains.banking.sync.requests import request_sync
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job
from app.outbound.json_fields import readable

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.banking.plaid.client import Plaid
    from app.domains.banking.webhooks.verification import Verified


log = structlog.get_logger(__name__)

HANDLE_TASK = "banking.handle_plaid_webhook"
#: With the webhook's id behind it, the key of the job that handles it.
JOB_KEY = "plaid-webhook:"


class Step(StrEnum):
    """What a webhook calls for."""

    SYNC = "sync"
    LOOK = "look"  # ask Plaid how the connection is
    EXPIRING = "expiring"
    REVOKED = "revoked"
    ACCOUNT_REVOKED = "account_revoked"
    NEW_ACCOUNTS = "new_accounts"


_STEPS = {
    ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"): Step.SYNC,
    ("TRANSACTIONS", "INITIAL_UPDATE"): Step.SYNC,
    ("TRANSACTIONS", "HISTORICAL_UPDATE"): Step.SYNC,
    ("TRANSACTIONS", "DEFAULT_UPDATE"): Step.SYNC,
    ("TRANSACTIONS", "TRANSACTIONS_REMOVED"): Step.SYNC,
    ("ITEM", "ERROR"): Step.LOOK,
    ("ITEM", "LOGIN_REPAIRED"): Step.LOOK,
    ("ITEM", "PENDING_EXPIRATION"): Step.EXPIRING,
    ("ITEM", "PENDING_DISCONNECT"): Step.EXPIRING,
    ("ITEM", "USER_PERMISSION_REVOKED"): Step.REVOKED,
    ("ITEM", "USER_ACCOUNT_REVOKED"): Step.ACCOUNT_REVOKED,
    ("ITEM", "NEW_ACCOUNTS_AVAILABLE"): Step.NEW_ACCOUNTS,
}


def store(session: Session, *, verified: Verified, now: datetime) -> int:
    """Keep a webhook and have it handled; its id. Raises `InvalidWebhook` for one that came before."""
    body = verified.body
    statement = insert_or_update(session, PlaidWebhook).values(
        digest=verified.digest,
        type=_text(body.get("webhook_type")),
        code=_text(body.get("webhook_code")),
        item_id=_text(body.get("item_id")) or None,
        body=body,
        received_at=now,
    )
    unique = statement.on_conflict_do_nothing(index_elements=[PlaidWebhook.digest])
    webhook_id: int | None = session.scalar(unique.returning(PlaidWebhook.id))
    if webhook_id is None:
        raise InvalidWebhook(problem="it was received before")
    job = new_job(HANDLE_TASK, kwargs={"webhook_id": webhook_id}, key=f"{JOB_KEY}{webhook_id}")
    accept(session, [job])
    return webhook_id


def forget_handled(session: Session, *, commit: Checkpoint) -> int:
    """Delete webhooks that are as old as a forgotten job, and whose own is forgotten; how many.

    The job of one that could not be handled stays until a person has dealt with it.
    """
    has_job = exists().where(Job.key == literal(JOB_KEY) + cast(PlaidWebhook.id, Text))
    old = (PlaidWebhook.received_at < kept_since(session)) & ~has_job
    return prune(session, select(PlaidWebhook.id).where(old), commit=commit)


def _text(value: object) -> str:
    return readable(str(value or "")[:200])


def handle(
    session: Session, *, webhook_id: int, plaid: Plaid, commit: Checkpoint, now: datetime
) -> dict[str, str | None]:
    """Do what a webhook calls for; the answer says what that was, and what became of the item."""
    webhook = session.get(PlaidWebhook, webhook_id)
    if webhook is None:
        raise WebhookNotFound(webhook_id=webhook_id)
    step = _STEPS.get((webhook.type, webhook.code))
    if step is None:
        log.info("webhook_unknown", type=webhook.type, code=webhook.code, webhook_id=webhook_id)
        return {"done": "nothing", "status": None}
    item = session.scalar(select(PlaidItem).where(PlaidItem.item_id == webhook.item_id))
    if item is None:
        # Its sync is asked for when the item is stored, which a fast webhook may overtake.
        log.info("webhook_of_unknown_item", item=webhook.item_id, webhook_id=webhook_id)
        return {"done": "nothing", "status": None}
    if step is Step.LOOK:
        item = _look(session, item, plaid=plaid, commit=commit, now=now)
    elif step is Step.SYNC:
        request_sync(session, item)
    else:
        item = connection.locked(session, item_id=item.id)
        _note(session, item, step=step, webhook=webhook, now=now)
    return {"done": step, "status": item.status}


def _look(session: Session, item: PlaidItem, *, plaid: Plaid, commit: Checkpoint, now: datetime) -> PlaidItem:
    """Ask Plaid how the item is: webhooks overtake each other, so that theirs may be old news."""
    access_token = item.access_token
    commit()
    error = error_of(plaid, access_token=access_token)
    return judge(session, item_id=item.id, error=error, now=now)


def _note(session: Session, item: PlaidItem, *, step: Step, webhook: PlaidWebhook, now: datetime) -> None:
    if step is Step.EXPIRING:
        connection.expiring(session, item, reason=webhook.code)
    elif step is Step.REVOKED:
        connection.revoked(session, item, reason=webhook.code, now=now)
    elif step is Step.NEW_ACCOUNTS:
        connection.new_accounts(session, item, now=webhook.received_at)
    else:
        lost = BankAccount.plaid_account_id == _text(webhook.body.get("account_id"))
        mine = BankAccount.item_id == item.id
        reason = "Access to this account was revoked."
        session.execute(update(BankAccount).where(lost, mine).values(is_active=False, sync_error=reason))

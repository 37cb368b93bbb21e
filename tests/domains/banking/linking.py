"""Households with linked banks, and what is stored of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.accounts.models import User
from app.domains.banking import service
from app.domains.banking.facts import Grant
from app.domains.banking.models import BankAccount, PlaidItem, PlaidWebhook, Role, Transaction
from app.domains.banking.plaid import client
from app.domains.banking.plaid.client import Plaid, take_turn
from app.domains.banking.sync import resuming
from app.domains.banking.webhooks import inbox
from app.domains.notifications.models import Notification
from app.jobs.ledger.models import Job
from tests.checkpoints import committing
from tests.fakes.plaid import CLIENT_ID, SECRET, FakePlaid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from app.domains.banking.facts import SyncStats
    from tests.fakes.plaid.bank import Item

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
_NUMBERS = itertools.count(1)


def point_at(plaid: FakePlaid) -> dict[str, Any]:
    """Settings that send everything to `plaid`, without pauses."""
    return {
        "plaid_environment": plaid.url,
        "plaid_client_id": CLIENT_ID,
        "plaid_secret": SECRET,
        "plaid_per_minute": 100_000,
    }


def port() -> Plaid:
    """The real port."""
    return Plaid()


def user(name: str = "Ada") -> int:
    """A new user's id."""
    email = f"{name.lower()}{next(_NUMBERS)}@example.com"
    with transaction() as session:
        made = User(
            email=email,
            email_key=email,
            name=name,
            timezone="UTC",
            locale="en-GB",
            preferences={},
            created_at=NOW,
        )
        session.add(made)
        session.flush()
        return made.id


@dataclass(frozen=True, kw_only=True)
class Home:
    """A household: two admins and a member."""

    id: int
    admins: tuple[int, int]
    member: int


def household() -> Home:
    admins, member = (user("Ada"), user("Bob")), user("Cleo")
    roles = {**dict.fromkeys(admins, Role.ADMIN), member: Role.MEMBER}
    with transaction() as session:
        made = service.create_household(session, name="Home", currency="USD", members=roles, now=NOW)
        return Home(id=made.id, admins=admins, member=member)


def link(item: Item, home: Home | None = None) -> int:
    """Store the fake's item as linked; our id of it. Its first sync is asked for."""
    home = home or household()
    grant = Grant(item_id=item.id, access_token=item.access_token)
    institution, accounts = service.describe(port(), grant)
    with transaction() as session:
        stored = service.store_item(
            session, household_id=home.id, grant=grant, institution=institution, accounts=accounts, now=NOW
        )
        return stored.id


def small_pages(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Ask for pages of so many transactions in this process."""
    monkeypatch.setattr(client, "PAGE_SIZE", size)


def run_sync(
    item_id: int,
    *,
    job_id: str = "job-1",
    now: datetime = NOW,
    turn: Callable[[], None] = take_turn,
) -> SyncStats:
    """One attempt of a sync in this process, as a job would make it."""
    with Session(engine(), expire_on_commit=False) as session:
        stats = resuming.sync_item(
            session,
            item_id=item_id,
            take_turn=turn,
            job_id=job_id,
            commit=committing(session),
            now=now,
        )
        session.commit()
        return stats


def stored(item_id: int) -> dict[str, dict[str, Any]]:
    """The transactions of an item as they are stored, by Plaid's id."""
    statement = (
        select(Transaction, BankAccount.plaid_account_id)
        .join(BankAccount, BankAccount.id == Transaction.account_id)
        .where(BankAccount.item_id == item_id)
    )
    with reading() as session:
        return {
            row.plaid_transaction_id: {
                "account": account,
                "amount": row.amount,
                "currency": row.currency,
                "day": row.posted_on,
                "name": row.name,
                "pending": row.pending,
                "pending_id": row.pending_transaction_id,
                "category": row.plaid_category,
            }
            for row, account in session.execute(statement)
        }


def at_bank(item: Item) -> dict[str, dict[str, Any]]:
    """The same, as the fake's bank has it."""
    return {
        tx.id: {
            "account": tx.account_id,
            "amount": -tx.cents,
            "currency": tx.currency,
            "day": tx.day,
            "name": tx.name,
            "pending": tx.pending,
            "pending_id": tx.pending_id,
            "category": tx.category,
        }
        for tx in item.history.transactions().values()
    }


def item_row(item_id: int) -> PlaidItem:
    with reading() as session:
        return session.get_one(PlaidItem, item_id)


def accounts_of(item_id: int) -> Sequence[BankAccount]:
    with reading() as session:
        statement = select(BankAccount).where(BankAccount.item_id == item_id).order_by(BankAccount.id)
        return session.scalars(statement).all()


def told() -> list[tuple[str, int]]:
    """Who was told what: type and user of every notification, in order."""
    with reading() as session:
        rows = session.execute(
            select(Notification.type, Notification.user_id).order_by(Notification.type, Notification.user_id)
        )
        return [(row.type, row.user_id) for row in rows]


def jobs(task: str) -> Sequence[Job]:
    """All jobs of a task, the oldest first."""
    with reading() as session:
        return session.scalars(select(Job).where(Job.task == task).order_by(Job.accepted_at, Job.id)).all()


def kept_webhooks() -> tuple[int, int]:
    """How many webhooks and how many jobs there are."""
    with reading() as session:
        return tuple(session.scalar(select(func.count()).select_from(of)) or 0 for of in (PlaidWebhook, Job))  # type: ignore[return-value]


def handle_webhook(webhook_id: int) -> dict[str, str | None]:
    """Do what a kept webhook calls for, as its job would."""
    with Session(engine(), expire_on_commit=False) as session:
        done = inbox.handle(session, webhook_id=webhook_id, plaid=port(), commit=committing(session), now=NOW)
        session.commit()
        return done

"""Writes what Plaid told into the tables, a page at a time and without objects. Nothing here commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from app.db.upsert import insert_or_update
from app.domains.banking.facts import AsideKind
from app.domains.banking.models import BankAccount, Category, Transaction
from app.domains.banking.sync import movements, set_aside
from app.domains.banking.sync.movements import Targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.banking.facts import AccountFacts, Movement
    from app.domains.banking.sync.spool import SpooledPage


def targets_of(session: Session, *, item_id: int, household_id: int) -> Targets:
    """The accounts of an item and the categories of its household."""
    accounts = select(BankAccount.plaid_account_id, BankAccount.id).where(BankAccount.item_id == item_id)
    categories = select(Category.plaid_category, Category.id).where(
        Category.household_id == household_id, Category.plaid_category.is_not(None)
    )
    return Targets(
        item_id=item_id,
        accounts=dict(session.execute(accounts).all()),
        categories={name: key for name, key in session.execute(categories) if name is not None},
    )


def add_accounts(session: Session, *, item_id: int, accounts: Iterable[AccountFacts]) -> None:
    """Store the accounts that are new; known ones are neither changed nor held."""
    rows = [_account_row(facts, item_id=item_id) for facts in accounts]
    if rows:
        statement = insert_or_update(session, BankAccount)
        statement = statement.on_conflict_do_nothing(index_elements=[BankAccount.plaid_account_id])
        session.connection().execute(statement, rows)


def put_accounts(session: Session, *, item_id: int, accounts: Iterable[AccountFacts]) -> None:
    """Store new accounts, and what the bank says of known ones; what the household set stays."""
    rows = [_account_row(facts, item_id=item_id) for facts in accounts if facts.is_read]
    if not rows:
        return
    statement = insert_or_update(session, BankAccount)
    told = ("name", "mask", "type", "subtype", "currency", "current_balance", "available_balance", "scale")
    statement = statement.on_conflict_do_update(
        index_elements=[BankAccount.plaid_account_id],
        set_={name: statement.excluded[name] for name in told},
        where=BankAccount.item_id == item_id,
    )
    session.connection().execute(statement, rows)
    read = [row["plaid_account_id"] for row in rows]
    set_aside.clear(session, item_id=item_id, kind=AsideKind.ACCOUNT, ids=read)


def _account_row(facts: AccountFacts, *, item_id: int) -> dict[str, Any]:
    return {
        "item_id": item_id,
        "plaid_account_id": facts.id,
        "name": facts.name,
        "mask": facts.mask,
        "type": facts.type,
        "subtype": facts.subtype,
        "currency": facts.currency,
        "current_balance": facts.current,
        "available_balance": facts.available,
        "scale": facts.scale,
        "is_active": True,
        "include_in_budget": True,
    }


def put_page(session: Session, page: SpooledPage, *, targets: Targets, now: datetime) -> int:
    """Make the tables agree with one page of changes; how many rows were set aside."""
    placed = [movement for movement in page.put if movement.account_id in targets.accounts]
    unlisted = [movement for movement in page.put if movement.account_id not in targets.accounts]
    rows = [*page.aside, *(set_aside.unlisted(movement) for movement in unlisted)]
    set_aside.keep(session, rows, item_id=targets.item_id, now=now)
    _put(session, placed, targets=targets)
    if page.removed:
        mine = Transaction.account_id.in_(targets.accounts.values())
        session.execute(delete(Transaction).where(Transaction.plaid_transaction_id.in_(page.removed), mine))
        _clear(session, page.removed, targets=targets)
    return len(rows)


def take_up(session: Session, *, targets: Targets) -> None:
    """Store the transactions that were set aside for want of an account that is there by now."""
    waiting = set_aside.waiting_for(session, item_id=targets.item_id, accounts=targets.accounts)
    _put(session, waiting, targets=targets)


def _put(session: Session, placed: Sequence[Movement], *, targets: Targets) -> None:
    if placed:
        _clear(session, [movement.id for movement in placed], targets=targets)
        movements.put(session, placed, targets=targets)


def _clear(session: Session, ids: Sequence[str], *, targets: Targets) -> None:
    set_aside.clear(session, item_id=targets.item_id, kind=AsideKind.TRANSACTION, ids=ids)


def mark_synced(session: Session, *, item_id: int, now: datetime) -> None:
    """Say of the accounts of an item that they are as the bank has them."""
    active = update(BankAccount).where(BankAccount.item_id == item_id, BankAccount.is_active)
    session.execute(active.values(synced_at=now, sync_error=None))


def mark_failed(session: Session, *, item_id: int, reason: str) -> None:
    """Say of all accounts of an item why they are not."""
    session.execute(update(BankAccount).where(BankAccount.item_id == item_id).values(sync_error=reason))

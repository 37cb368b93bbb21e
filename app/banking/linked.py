"""Reads items, accounts and transactions, in pages that stay right while rows are added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.banking.errors import AccountNotFound, ItemNotFound
from app.banking.models import BankAccount, PlaidItem, Transaction
from app.banking.service import household_of
from app.pages import cut

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.pages import Page


def item(session: Session, *, item_id: int, household_id: int | None = None) -> PlaidItem:
    """The item, of that household where one is named. Raises `ItemNotFound`."""
    found = session.get(PlaidItem, item_id)
    if found is None or household_id not in (None, found.household_id):
        raise ItemNotFound(item_id=item_id)
    return found


def items(session: Session, *, household_id: int, after: int | None, limit: int) -> Page:
    """The banks that a household has linked. Raises `HouseholdNotFound`."""
    household_of(session, household_id=household_id)
    rows = select(PlaidItem).where(PlaidItem.household_id == household_id, PlaidItem.id > (after or 0))
    return cut(session, rows.order_by(PlaidItem.id), limit=limit)


def accounts(session: Session, *, household_id: int, after: int | None, limit: int) -> Page:
    """The accounts of a household at all of its banks. Raises `HouseholdNotFound`."""
    household_of(session, household_id=household_id)
    rows = (
        select(BankAccount)
        .join(PlaidItem, PlaidItem.id == BankAccount.item_id)
        .where(PlaidItem.household_id == household_id, BankAccount.id > (after or 0))
    )
    return cut(session, rows.order_by(BankAccount.id), limit=limit)


def transactions(session: Session, *, account_id: int, before: int | None, limit: int) -> Page:
    """The transactions of an account, the last stored first. Raises `AccountNotFound`."""
    if session.get(BankAccount, account_id) is None:
        raise AccountNotFound(account_id=account_id)
    rows = select(Transaction).where(Transaction.account_id == account_id).order_by(Transaction.id.desc())
    if before is not None:
        rows = rows.where(Transaction.id < before)
    return cut(session, rows, limit=limit)

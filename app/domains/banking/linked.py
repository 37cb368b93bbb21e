"""Reads items, accounts and transactions, in pages that stay right while rows are added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from app.db.pages import cut
from app.domains.banking.errors import AccountNotFound, ItemNotFound, SetAsideNotFound
from app.domains.banking.models import (
    BankAccount,
    Household,
    HouseholdMember,
    PlaidItem,
    SetAside,
    Transaction,
)
from app.domains.banking.service import household_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.db.pages import Page


def households(session: Session, *, only_user: int | None, after: int | None, limit: int) -> Page:
    """Households in the order in which they came, of `only_user` where one is named."""
    rows = select(Household).where(Household.id > (after or 0))
    if only_user is not None:
        rows = rows.join(HouseholdMember).where(HouseholdMember.user_id == only_user)
    return cut(session, rows.order_by(Household.id), limit=limit)


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


def set_aside(session: Session, *, household_id: int, after: int | None, limit: int) -> Page:
    """What the banks of a household told and could not be kept. Raises `HouseholdNotFound`."""
    household_of(session, household_id=household_id)
    rows = (
        select(SetAside)
        .join(PlaidItem, PlaidItem.id == SetAside.item_id)
        .where(PlaidItem.household_id == household_id, SetAside.id > (after or 0))
    )
    return cut(session, rows.order_by(SetAside.id), limit=limit)


def dismiss(session: Session, *, household_id: int, row_id: int) -> None:
    """Forget what is set aside, as a person has seen to it. Raises `SetAsideNotFound`."""
    mine = select(PlaidItem.id).where(PlaidItem.household_id == household_id)
    gone = delete(SetAside).where(SetAside.id == row_id, SetAside.item_id.in_(mine)).returning(SetAside.id)
    if session.scalar(gone) is None:
        raise SetAsideNotFound(row_id=row_id)


def transactions(session: Session, *, account_id: int, before: int | None, limit: int) -> Page:
    """The transactions of an account, the last stored first. Raises `AccountNotFound`."""
    if session.get(BankAccount, account_id) is None:
        raise AccountNotFound(account_id=account_id)
    rows = select(Transaction).where(Transaction.account_id == account_id).order_by(Transaction.id.desc())
    if before is not None:
        rows = rows.where(Transaction.id < before)
    return cut(session, rows, limit=limit)

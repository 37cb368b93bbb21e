"""Keeps the categories of a household. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.db.upsert import insert_or_update
from app.domains.banking.models import BankAccount, Category, PlaidItem, Transaction
from app.domains.banking.planning.errors import CategoryExists, CategoryNotOfHousehold
from app.domains.banking.service import household_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session


def categories_of(session: Session, *, household_id: int) -> Sequence[Category]:
    """All categories, in the order in which they came. Raises `HouseholdNotFound`."""
    household_of(session, household_id=household_id)
    statement = select(Category).where(Category.household_id == household_id).order_by(Category.id)
    return session.scalars(statement).all()


def category(session: Session, *, household_id: int, category_id: int) -> Category:
    """One category of the household. Raises `CategoryNotOfHousehold`."""
    found = session.get(Category, category_id)
    if found is None or found.household_id != household_id:
        raise CategoryNotOfHousehold(category_id=category_id, household_id=household_id)
    return found


def add(
    session: Session, *, household_id: int, name: str, parent_id: int | None, plaid_category: str | None
) -> Category:
    """Keep a new category; transactions that Plaid regards as `plaid_category` come under it.

    Raises `HouseholdNotFound`, `CategoryNotOfHousehold` for the parent, or `CategoryExists`.
    """
    household_of(session, household_id=household_id)
    if parent_id is not None:
        category(session, household_id=household_id, category_id=parent_id)
    statement = insert_or_update(session, Category).values(
        household_id=household_id, name=name, parent_id=parent_id, plaid_category=plaid_category
    )
    category_id = session.scalar(statement.on_conflict_do_nothing().returning(Category.id))
    if category_id is None:
        raise CategoryExists(name=name, plaid_category=plaid_category)
    if plaid_category is not None:
        _gather(session, household_id=household_id, category_id=category_id, plaid_category=plaid_category)
    return session.get_one(Category, category_id)


def _gather(session: Session, *, household_id: int, category_id: int, plaid_category: str) -> None:
    """Bring what came before the category; what somebody filed elsewhere stays there."""
    accounts = (
        select(BankAccount.id)
        .join(PlaidItem, PlaidItem.id == BankAccount.item_id)
        .where(PlaidItem.household_id == household_id)
    )
    session.execute(
        update(Transaction)
        .where(
            Transaction.account_id.in_(accounts),
            Transaction.plaid_category == plaid_category,
            Transaction.category_id.is_(None),
        )
        .values(category_id=category_id)
        .execution_options(synchronize_session=False)
    )

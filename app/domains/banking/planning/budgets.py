"""Keeps the budgets of a household. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.pages import cut
from app.db.upsert import insert_or_update
from app.domains.banking.models import Budget, Period
from app.domains.banking.planning.categories import category
from app.domains.banking.planning.errors import BudgetExists, BudgetNotFound
from app.domains.banking.service import household_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.db.pages import Page

USUAL_THRESHOLDS = (80, 100)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What of a budget may be changed; `amount` in minor units of the household's currency."""

    amount: int
    #: Percent of the limit.
    thresholds: tuple[int, ...] = USUAL_THRESHOLDS
    include_pending: bool = True
    is_active: bool = True


def budgets_of(session: Session, *, household_id: int, after: int | None, limit: int) -> Page:
    """Budgets in the order in which they came. Raises `HouseholdNotFound`."""
    household_of(session, household_id=household_id)
    statement = select(Budget).where(Budget.household_id == household_id, Budget.id > (after or 0))
    return cut(session, statement.order_by(Budget.id), limit=limit)


def budget(session: Session, *, household_id: int, budget_id: int) -> Budget:
    """One budget of the household. Raises `BudgetNotFound`."""
    found = session.get(Budget, budget_id)
    if found is None or found.household_id != household_id:
        raise BudgetNotFound(budget_id=budget_id, household_id=household_id)
    return found


def add(session: Session, *, household_id: int, category_id: int, period: Period, limits: Limits) -> Budget:
    """Keep a new budget in the household's currency.

    Raises `HouseholdNotFound`, `CategoryNotOfHousehold`, or `BudgetExists`: a category has one per period.
    """
    of = household_of(session, household_id=household_id)
    category(session, household_id=household_id, category_id=category_id)
    statement = insert_or_update(session, Budget).values(
        household_id=household_id,
        category_id=category_id,
        period=period,
        currency=of.currency,
        **_columns(limits),
    )
    one = [Budget.household_id, Budget.category_id, Budget.period]
    budget_id = session.scalar(statement.on_conflict_do_nothing(index_elements=one).returning(Budget.id))
    if budget_id is None:
        raise BudgetExists(category_id=category_id, period=period)
    return session.get_one(Budget, budget_id)


def change(session: Session, *, household_id: int, budget_id: int, limits: Limits) -> Budget:
    """Give a budget other limits. Raises `BudgetNotFound`."""
    found = budget(session, household_id=household_id, budget_id=budget_id)
    for name, value in _columns(limits).items():
        setattr(found, name, value)
    session.flush()
    return found


def remove(session: Session, *, household_id: int, budget_id: int) -> None:
    """Forget a budget; what was told of it stays. Raises `BudgetNotFound`."""
    session.delete(budget(session, household_id=household_id, budget_id=budget_id))


def _columns(limits: Limits) -> dict[str, object]:
    return {
        "amount": limits.amount,
        "thresholds": sorted(set(limits.thresholds)),
        "include_pending": limits.include_pending,
        "is_active": limits.is_active,
    }

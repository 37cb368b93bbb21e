"""Households with members, accounts, bills and budgets, and what they spend."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from app.db.sessions import transaction
from app.domains.banking.models import (
    BankAccount,
    BillRule,
    Category,
    Household,
    HouseholdMember,
    Period,
    PlaidItem,
    Role,
    Transaction,
)
from app.domains.banking.planning import alerts, bills, budgets, reminders
from tests.checkpoints import flushing
from tests.domains.notifications import people

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.db.columns import Base

_NUMBERS = itertools.count(1)
_MADE = datetime(2026, 1, 1, tzinfo=UTC)


def _add(row: Any) -> int:
    with transaction() as session:
        session.add(row)
        session.flush()
        return int(row.id)


@dataclass(kw_only=True)
class Home:
    """A household with one account; its first member is its admin."""

    id: int
    members: list[int]
    account: int
    item: int
    categories: dict[str, int] = field(default_factory=dict)

    def join(self, *, role: Role = Role.MEMBER, **user: Any) -> int:
        """One more member; gives the user's id."""
        user_id = people.add_user(**user)
        with transaction() as session:
            session.add(HouseholdMember(household_id=self.id, user_id=user_id, role=role))
        self.members.append(user_id)
        return user_id

    def open_account(self, **facts: Any) -> int:
        """One more account; gives its id."""
        return _account(self.item, **facts)

    def category(self, name: str, *, below: str | None = None) -> int:
        """A category; gives its id."""
        parent = self.categories[below] if below else None
        self.categories[name] = _add(Category(household_id=self.id, name=name, parent_id=parent))
        return self.categories[name]

    def spend(
        self,
        amount: int,
        *,
        on: date,
        category: str = "Food",
        currency: str = "EUR",
        pending: bool = False,
        account: int | None = None,
        scale: int | None = None,
    ) -> None:
        """Spend minor units; below zero is a refund."""
        _add(
            Transaction(
                account_id=account or self.account,
                plaid_transaction_id=f"transaction-{next(_NUMBERS)}",
                amount=-amount,
                scale=scale,
                currency=currency,
                posted_on=on,
                name="Shop",
                pending=pending,
                category_id=self.categories[category],
            )
        )

    def bill(
        self,
        due: date | None,
        *,
        name: str = "Rent",
        amount: int = 80_000,
        rule: BillRule = BillRule.MONTHLY,
        autopay: bool = False,
        due_day: int | None = None,
    ) -> int:
        """A bill; gives its id."""
        facts = bills.BillFacts(
            name=name,
            amount=amount,
            currency="EUR",
            rule=rule,
            next_due=due,
            due_day=due_day,
            autopay=autopay,
        )
        with transaction() as session:
            return bills.add(session, household_id=self.id, facts=facts).id

    def budget(
        self,
        amount: int,
        *,
        category: str = "Food",
        period: Period = Period.MONTH,
        thresholds: tuple[int, ...] = (80, 100),
        include_pending: bool = True,
        is_active: bool = True,
    ) -> int:
        """A budget for a category, which is made where there is none; gives the budget's id."""
        if category not in self.categories:
            self.category(category)
        limits = budgets.Limits(
            amount=amount, thresholds=thresholds, include_pending=include_pending, is_active=is_active
        )
        with transaction() as session:
            return budgets.add(
                session,
                household_id=self.id,
                category_id=self.categories[category],
                period=period,
                limits=limits,
            ).id


def move_in(*, name: str = "Home", **user: Any) -> Home:
    """A household with one admin, who is described by `user`."""
    household = _add(Household(name=name, currency="EUR", created_at=_MADE))
    item = _add(
        PlaidItem(
            household_id=household,
            item_id=f"item-{next(_NUMBERS)}",
            access_token="access-sandbox-1",
            institution="Bank",
            status="active",
            syncs=0,
            repairs=0,
            created_at=_MADE,
        )
    )
    home = Home(id=household, members=[], account=_account(item), item=item)
    home.join(role=Role.ADMIN, **user)
    return home


def _account(item: int, *, is_active: bool = True, include_in_budget: bool = True) -> int:
    return _add(
        BankAccount(
            item_id=item,
            plaid_account_id=f"account-{next(_NUMBERS)}",
            name="Giro",
            type="depository",
            currency="EUR",
            is_active=is_active,
            include_in_budget=include_in_budget,
        )
    )


def add_rows(table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Many rows at once."""
    with transaction() as session:
        for start in range(0, len(rows), 1_000):
            session.execute(insert(table), rows[start : start + 1_000])


def remind(now: str, *, chunk: int = 500) -> reminders.Reminded:
    """Remind as the task does at `now`."""
    with transaction() as session:
        return reminders.send_bill_reminders(
            session, now=datetime.fromisoformat(now), commit=flushing(session), chunk=chunk
        )


def check(now: str, *, household_id: int | None = None, chunk: int = 200) -> alerts.Alerted:
    """Check budgets as the task does at `now`."""
    with transaction() as session:
        return alerts.check_budget_alerts(
            session,
            now=datetime.fromisoformat(now),
            commit=flushing(session),
            household_id=household_id,
            chunk=chunk,
        )


def told() -> list[tuple[int, str]]:
    """Whom something was told, and its title, the oldest first."""
    return [(one.user_id, one.title) for one in people.notifications()]


def titles() -> list[str]:
    """The titles of all that was told, the oldest first."""
    return [title for _, title in told()]

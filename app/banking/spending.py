"""What was spent on a budget's category and all categories below it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from app.banking.models import BankAccount, Budget, Category, Transaction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import CTE
    from sqlalchemy.orm import Session

    from app.banking.periods import Span


def spent_on(session: Session, budgets: Mapping[Span, Sequence[int]]) -> dict[int, dict[str, int]]:
    """What was spent on each budget in its span: minor units by currency.

    Budgets come by their ids, grouped by the span that is asked for. What came back counts against what
    was spent. Accounts that are closed or kept out of budgets are left out, and so is what is pending
    where a budget says so.
    """
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for span, ids in budgets.items():
        tree = _tree(ids)
        rows = session.execute(
            select(tree.c.budget_id, Transaction.currency, -func.sum(Transaction.amount))
            .select_from(tree)
            .join(Budget, Budget.id == tree.c.budget_id)
            .join(
                Transaction,
                and_(
                    Transaction.category_id == tree.c.category_id,
                    Transaction.posted_on >= span.start,
                    Transaction.posted_on < span.end,
                ),
            )
            .join(BankAccount, BankAccount.id == Transaction.account_id)
            .where(
                BankAccount.is_active,
                BankAccount.include_in_budget,
                or_(Budget.include_pending, Transaction.pending.is_(False)),
            )
            .group_by(tree.c.budget_id, Transaction.currency)
        )
        for budget_id, currency, spent in rows:
            # PostgreSQL sums big integers as a decimal number.
            found[budget_id][currency] = int(spent)
    return found


def _tree(budget_ids: Sequence[int]) -> CTE:
    """The categories of each budget. A union drops what it saw, so that a ring of categories has an end."""
    top = select(Budget.id.label("budget_id"), Budget.category_id).where(Budget.id.in_(budget_ids))
    tree = top.cte("budgeted", recursive=True)
    below = select(tree.c.budget_id, Category.id).join(tree, Category.parent_id == tree.c.category_id)
    return tree.union(below)

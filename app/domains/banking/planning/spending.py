"""What was spent on a budget's category and all categories below it."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from app.domains.banking.models import BankAccount, Budget, Category, Transaction
from app.values.money import in_minor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import CTE
    from sqlalchemy.orm import Session

    from app.domains.banking.planning.periods import Span


#: SQLite adds up no more than a column holds: the upper and the lower digits are added up apart.
_HALF = 10**9


def spent_on(session: Session, budgets: Mapping[Span, Sequence[int]]) -> dict[int, dict[str, Decimal]]:
    """What was spent on each budget in its span: minor units by currency, or fractions of them.

    Budgets come by their ids, grouped by the span that is asked for. What came back counts against what
    was spent. Accounts that are closed or kept out of budgets are left out, and so is what is pending
    where a budget says so.
    """
    found: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for span, ids in budgets.items():
        tree = _tree(ids)
        rows = session.execute(
            select(
                tree.c.budget_id,
                Transaction.currency,
                Transaction.scale,
                func.sum(Transaction.amount // _HALF),
                func.sum(Transaction.amount % _HALF),
            )
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
            .group_by(tree.c.budget_id, Transaction.currency, Transaction.scale)
        )
        for budget_id, currency, scale, upper, lower in rows:
            spent = -(int(upper) * _HALF + int(lower))
            found[budget_id][currency] += in_minor(spent, currency, scale=scale)
    return found


def _tree(budget_ids: Sequence[int]) -> CTE:
    """The categories of each budget. A union drops what it saw, so that a ring of categories has an end."""
    top = select(Budget.id.label("budget_id"), Budget.category_id).where(Budget.id.in_(budget_ids))
    tree = top.cte("budgeted", recursive=True)
    below = select(tree.c.budget_id, Category.id).join(tree, Category.parent_id == tree.c.category_id)
    return tree.union(below)

"""Writes transactions into their table: those of a page by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, Insert, bindparam, case, column, func, select
from sqlalchemy.dialects import postgresql

from app.db.upsert import insert_or_update
from app.domains.banking.models import Transaction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.dialects import sqlite
    from sqlalchemy.orm import Session

    from app.domains.banking.facts import Movement


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Where the transactions of an item go, by Plaid's ids of accounts and Plaid's categories."""

    item_id: int
    accounts: Mapping[str, int]
    categories: Mapping[str, int]


def put(session: Session, movements: Sequence[Movement], *, targets: Targets) -> None:
    """Store transactions, of which no two have the same id; of known ones, what the bank says now."""
    connection, rows = session.connection(), [_row(movement, targets=targets) for movement in movements]
    if session.get_bind().dialect.name == "postgresql":
        columns = zip(*rows, strict=True)
        connection.execute(_from_columns(), dict(zip(_COLUMNS, map(list, columns), strict=True)))
    else:
        statement = _or_update(insert_or_update(session, Transaction))
        connection.execute(statement, [dict(zip(_COLUMNS, row, strict=True)) for row in rows])


_COLUMNS = (
    "account_id",
    "plaid_transaction_id",
    "amount",
    "scale",
    "currency",
    "posted_on",
    "authorized_on",
    "name",
    "merchant",
    "pending",
    "pending_transaction_id",
    "plaid_category",
    "category_id",
)
#: What stays as it is by which a row is known, and what a household may have chosen.
_NOT_TOLD = ("plaid_transaction_id", "category_id")


def _row(movement: Movement, *, targets: Targets) -> tuple[Any, ...]:
    return (
        targets.accounts[movement.account_id],
        movement.id,
        movement.amount,
        movement.scale,
        movement.currency,
        movement.posted_on,
        movement.authorized_on,
        movement.name,
        movement.merchant,
        movement.pending,
        movement.pending_transaction_id,
        movement.category,
        targets.categories.get(movement.category or ""),
    )


@cache
def _from_columns() -> Insert:
    """An INSERT that is given each column as an array: one execution for all rows."""
    table = Transaction.__table__
    arrays = [bindparam(name, type_=ARRAY(table.c[name].type)) for name in _COLUMNS]
    names = [column(name, table.c[name].type) for name in _COLUMNS]
    rows = func.unnest(*arrays).table_valued(*names).render_derived(name="told")
    return _or_update(postgresql.insert(Transaction).from_select(_COLUMNS, select(rows)))


def _or_update(statement: postgresql.Insert | sqlite.Insert) -> Insert:
    new = statement.excluded
    # A category that somebody chose stays, unless Plaid sees the transaction in another light.
    regarded_anew = Transaction.plaid_category.is_distinct_from(new.plaid_category)
    category = case((regarded_anew, new.category_id), else_=Transaction.category_id)
    told = {name: new[name] for name in _COLUMNS if name not in _NOT_TOLD}
    return statement.on_conflict_do_update(
        index_elements=[Transaction.plaid_transaction_id], set_={**told, "category_id": category}
    )

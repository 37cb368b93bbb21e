"""Reads and erases the rows of a person, so many at a time. Nothing here commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import JSON, delete, false, func, literal, or_, select, tuple_, update

from app.personal_data.declaration import Anonymise, Delete, Keep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, CursorResult, Table
    from sqlalchemy.orm import Session

    from app.personal_data.declaration import PersonalTable, Subject

BATCH = 500


def shown_columns(personal: PersonalTable) -> list[str]:
    """The columns that the person is shown."""
    return [column.key for column in _table(personal).columns if column.key not in personal.withheld]


def stream(
    session: Session, personal: PersonalTable, subject: Subject, *, batch: int = BATCH
) -> Iterator[Mapping[str, Any]]:
    """What the person is shown of each of their rows, in the order of the primary key."""
    shown, key = shown_columns(personal), _key(personal)
    columns = [_table(personal).columns[name] for name in shown]
    rows = select(*columns, *(column.label(f"key_{column.key}") for column in key))
    page = rows.where(personal.rows(subject)).order_by(*key).limit(batch)
    after: ColumnElement[bool] | None = None
    while True:
        found = session.execute(page if after is None else page.where(after)).all()
        yield from (dict(zip(shown, row, strict=False)) for row in found)
        if len(found) < batch:
            return
        after = _after(key, found[-1][len(shown) :])


def erase_batch(session: Session, personal: PersonalTable, subject: Subject, *, batch: int = BATCH) -> int:
    """Erase so many rows at most; how many. 0 where nothing is left, or all that is left is in use."""
    table, key = _table(personal), _key(personal)
    idle = left(personal, subject)
    if personal.in_use is not None:
        idle &= ~personal.in_use(subject)
    chosen = select(*key).where(idle).limit(batch)
    these = _tuple(key).in_(chosen)
    statement: Any = delete(table).where(these)
    if isinstance(personal.erasure, Anonymise):
        statement = update(table).where(these).values(dict(personal.erasure.columns))
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def is_left(session: Session, personal: PersonalTable, subject: Subject) -> bool:
    """Whether there is something to erase yet."""
    rows = select(literal(1)).select_from(_table(personal)).where(left(personal, subject))
    return session.scalar(rows.limit(1)) is not None


def left(personal: PersonalTable, subject: Subject) -> ColumnElement[bool]:
    """The rows that are to be erased and are not yet."""
    if isinstance(personal.erasure, Keep):
        return false()
    rows = personal.rows(subject)
    if personal.but is not None:
        rows &= ~personal.but.rows(subject)
    if isinstance(personal.erasure, Delete):
        return rows
    table = _table(personal)
    # PostgreSQL does not compare JSON.
    comparable = {
        name: value
        for name, value in personal.erasure.columns.items()
        if not isinstance(table.columns[name].type, JSON)
    }
    return rows & or_(*(table.columns[name].is_distinct_from(value) for name, value in comparable.items()))


@dataclass(frozen=True, kw_only=True)
class Kept:
    """How many of a person's rows stay, and why."""

    rows: int
    reason: str


def kept(session: Session, personal: PersonalTable, subject: Subject) -> Kept | None:
    """What stays of a table; None where nothing does."""
    if isinstance(personal.erasure, Keep):
        rows, reason = personal.rows(subject), personal.erasure.reason
    elif personal.but is not None:
        rows, reason = personal.rows(subject) & personal.but.rows(subject), personal.but.reason
    else:
        return None
    count = session.scalar(select(func.count()).select_from(_table(personal)).where(rows)) or 0
    return Kept(rows=count, reason=reason) if count else None


def _table(personal: PersonalTable) -> Table:
    return cast("Table", personal.model.__table__)


def _key(personal: PersonalTable) -> list[Column[Any]]:
    return list(_table(personal).primary_key.columns)


def _tuple(key: Sequence[Column[Any]]) -> ColumnElement[Any]:
    return key[0] if len(key) == 1 else tuple_(*key)


def _after(key: Sequence[Column[Any]], last: Sequence[Any]) -> ColumnElement[bool]:
    values = [literal(value, column.type) for column, value in zip(key, last, strict=True)]
    if len(key) == 1:
        return key[0] > values[0]
    return tuple_(*key) > tuple_(*values)

"""Searches the audit logs, the newest record first, in pages that stay right while records are added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from app.db.sessions import reading
from app.domains.audit.models import Login, Operation
from app.domains.audit.records import first_id, last_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.domains.audit.schemas import LogFilter

Table = type[Operation | Login]
#: Filters that are columns of the same name, and those of another.
EQUAL = ("user_id", "address", "trace_id", "method", "route", "status", "code")
RENAMED = {"user": "user_name"}
#: Rows that an export reads at once; nothing is held open while they are on their way.
CHUNK = 1_000


class LogPage(NamedTuple):
    """Some records, and the id after which the next ones begin; None on the last page."""

    rows: Sequence[Any]
    next: UUID | None


def page(
    session: Session,
    table: Table,
    *,
    filters: LogFilter,
    only_user: int | None = None,
    limit: int,
    cursor: UUID | None = None,
) -> LogPage:
    """The newest records that fit, or those older than the one with the id `cursor`."""
    rows = select(table).where(*_conditions(table, filters))
    if only_user is not None:
        rows = rows.where(table.user_id == only_user)
    if cursor is not None:
        rows = rows.where(table.id < cursor)
    found = session.scalars(rows.order_by(table.id.desc()).limit(limit + 1)).all()
    return LogPage(rows=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


def records(
    table: Table, *, filters: LogFilter, only_user: int | None = None, limit: int
) -> Iterator[Sequence[Any]]:
    """The newest `limit` records that fit, some at a time, each time in a session of its own."""
    cursor = None
    while limit > 0:
        with reading() as session:
            size = min(limit, CHUNK)
            found = page(session, table, filters=filters, only_user=only_user, limit=size, cursor=cursor)
        yield found.rows
        limit -= CHUNK
        cursor = found.next
        if cursor is None:
            return


def _conditions(table: Table, filters: LogFilter) -> Iterator[ColumnElement[bool]]:
    wanted = filters.model_dump(exclude_none=True)
    for name in (*EQUAL, *RENAMED):
        if name in wanted:
            yield getattr(table, RENAMED.get(name, name)) == wanted[name]
    if path := wanted.get("path"):
        column = Operation.path
        yield column.startswith(path, autoescape=True)
        # LIKE takes upper and lower case for the same in SQLite.
        yield func.substr(column, 1, len(path)) == path
    # By the id for the index, and by the time, which is finer.
    if after := wanted.get("after"):
        yield table.id >= first_id(after)
        yield table.at >= after
    if before := wanted.get("before"):
        yield table.id <= last_id(before)
        yield table.at < before

"""The database's clock, by which leases, due times and ages are judged on every host alike."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from app.db.columns import UtcDateTime

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class clock(FunctionElement[datetime]):  # noqa: N801 (reads as the SQL function it is)
    """The database's clock, as a statement begins; with an argument, so many seconds later.

    For each row of a statement it is the same: an index goes to what is due, and reads nothing else.
    """

    type = UtcDateTime()
    inherit_cache = True
    postgresql = "statement_timestamp()"


class moving_clock(clock):  # noqa: N801 (as `clock`)
    """The same as it is read, also after a statement has waited for a row that another has just changed."""

    inherit_cache = True
    postgresql = "clock_timestamp()"


@compiles(clock, "postgresql")
def _clock_postgresql(element: clock, compiler: Any, **kwargs: Any) -> str:
    if not element.clauses.clauses:
        return element.postgresql
    return f"{element.postgresql} + make_interval(secs => {compiler.process(element.clauses, **kwargs)})"


@compiles(clock, "sqlite")
def _clock_sqlite(element: clock, compiler: Any, **kwargs: Any) -> str:
    if not element.clauses.clauses:
        return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    seconds = compiler.process(element.clauses, **kwargs)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', printf('%+.3f seconds', {seconds}))"


def now(session: Session) -> datetime:
    """What the database's clock shows."""
    return session.execute(select(clock())).scalar_one()

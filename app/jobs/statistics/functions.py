"""Functions of moments that both databases have, each in its own words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Float

from app.db.columns import UtcDateTime


class seconds_between(FunctionElement[float]):  # noqa: N801 (reads as the SQL function it is)
    """The seconds from the first moment to the second; never below 0, and 0 where one is no moment at all."""

    type = Float()
    inherit_cache = True


@compiles(seconds_between, "postgresql")
def _seconds_postgresql(element: seconds_between, compiler: Any, **kwargs: Any) -> str:
    begin, end = (compiler.process(clause, **kwargs) for clause in element.clauses)
    lasts = f"greatest(extract(epoch FROM ({end}) - ({begin}))::float8, 0)"
    return f"CASE WHEN isfinite({end}) AND isfinite({begin}) THEN {lasts} ELSE 0 END"


@compiles(seconds_between, "sqlite")
def _seconds_sqlite(element: seconds_between, compiler: Any, **kwargs: Any) -> str:
    begin, end = (compiler.process(clause, **kwargs) for clause in element.clauses)
    # A day number holds 40 microseconds; the ledger's times on SQLite are whole milliseconds.
    return f"coalesce(max(round((julianday({end}) - julianday({begin})) * 86400.0, 3), 0.0), 0.0)"


class minute_of(FunctionElement[datetime]):  # noqa: N801 (reads as the SQL function it is)
    """The minute that a moment lies in."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(minute_of, "postgresql")
def _minute_postgresql(element: minute_of, compiler: Any, **kwargs: Any) -> str:
    return f"date_trunc('minute', {compiler.process(element.clauses, **kwargs)}, 'UTC')"


@compiles(minute_of, "sqlite")
def _minute_sqlite(element: minute_of, compiler: Any, **kwargs: Any) -> str:
    minute = f"strftime('%Y-%m-%d %H:%M:00.000000', {compiler.process(element.clauses, **kwargs)})"
    # What a person's hand has written may be no moment.
    return f"coalesce({minute}, '1970-01-01 00:00:00.000000')"

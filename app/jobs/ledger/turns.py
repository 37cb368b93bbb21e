"""Turns that are taken without a job's having been admitted for them; a partition's rate counts them, too.

Like the hot path, these few statements are written once per database and work on raw connections.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.jobs.ledger import prepared
from app.jobs.ledger.held import ANY_HELD, POSTGRESQL_WINDOW, PUBLISHED, SQLITE_WINDOW, STARTED

if TYPE_CHECKING:
    from app.jobs.ledger.held import Bounds
    from app.jobs.ledger.store import Connection

#: So many that no window counts any more are deleted with each that is taken.
SWEPT = 100


@dataclass(frozen=True, kw_only=True)
class _Statements:
    #: Whether there is room at once, and nobody waits for it.
    is_free: str
    #: Takes a turn if so.
    take: str
    #: Takes one in any case.
    count: str
    sweep: str


_FREE = f"""
    SELECT key, {{now}} FROM {{asked}}
    WHERE NOT {ANY_HELD} AND most_started > {PUBLISHED} + {STARTED}
"""
_OLD = f"SELECT id FROM {{asked}} JOIN turn ON partition = key WHERE taken_at < {{since}} LIMIT {SWEPT}"


def _statements(*, asked: str, now: str, window: dict[str, str], locking: str) -> _Statements:
    free = _FREE.format(asked=asked, now=now, **window)
    return _Statements(
        is_free=free,
        take=f"INSERT INTO turn (partition, taken_at) {free} RETURNING id",
        count=f"INSERT INTO turn (partition, taken_at) SELECT key, {now} FROM {asked}",
        sweep=f"DELETE FROM turn WHERE id IN ({_OLD.format(asked=asked, **window)} {locking})",
    )


_POSTGRESQL = _statements(
    asked="(SELECT %s::text AS key, %s::int AS most_started, %s::float8 AS window_seconds) AS asked",
    now="clock_timestamp()",
    window=POSTGRESQL_WINDOW,
    # Two that sweep at once neither wait for each other nor meet in another order.
    locking="FOR UPDATE OF turn SKIP LOCKED",
)
_SQLITE = _statements(
    asked="(SELECT ? AS key, ? AS most_started, ? AS window_seconds) AS asked",
    now="strftime('%Y-%m-%d %H:%M:%f000', 'now')",
    window=SQLITE_WINDOW,
    locking="",
)


def is_free(connection: Connection, bounds: Bounds) -> bool:
    """Whether the partition has room for one more at once, and nobody is held in it."""
    return _run(connection, "is_free", bounds)


def take(connection: Connection, bounds: Bounds) -> bool:
    """Take a turn if `is_free`. Exact only under the partition's lock (`app.jobs.ledger.held`)."""
    _run(connection, "sweep", bounds)
    return _run(connection, "take", bounds)


def count(connection: Connection, bounds: Bounds) -> None:
    """Take a turn, whoever waits for one."""
    _run(connection, "sweep", bounds)
    _run(connection, "count", bounds)


def _run(connection: Connection, name: str, bounds: Bounds) -> bool:
    """Whether the statement of that name gave a row."""
    values = (bounds.key, bounds.most_started, bounds.window_seconds)
    if isinstance(connection, sqlite3.Connection):
        return bool(connection.execute(getattr(_SQLITE, name), values).fetchall())
    return bool(prepared.run(connection, getattr(_POSTGRESQL, name), values))

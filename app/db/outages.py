"""Tells of an error of the database what it means: away, busy, or wrong in the statement itself.

Told by SQLSTATE and by SQLite's error codes: the drivers' classes do not say it. psycopg raises an
`OperationalError` for a value that no index can hold, and an `InternalError` after a failover.
"""

from __future__ import annotations

import sqlite3
from enum import Enum
from typing import TYPE_CHECKING
from weakref import WeakSet

import psycopg
from sqlalchemy import exc

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What these raise is judged here; any other error is not the database's.
ERRORS = (exc.SQLAlchemyError, psycopg.Error, sqlite3.Error)

#: PostgreSQL's classes of connection failures and of refused log-ins.
_AWAY_CLASSES = ("08", "28")
_READ_ONLY = "25006"
_AWAY = {
    _READ_ONLY: "read-only, as after a failover",
    "3D000": "no such database, as while it is restored",
    "53100": "disk full",
    "53300": "too many connections",
    "57P01": "shut down by its administrator",
    "57P02": "shut down by a crash",
    "57P03": "starting or stopping",
    "57P04": "the database was dropped",
    "57P05": "idle for too long",
    "58030": "input or output failed",
}
_BUSY = {
    "40001": "serialization failure",
    "40P01": "deadlock",
    "55P03": "lock timeout",
    "57014": "cancelled",
}
#: SQLAlchemy's code of a session that goes on after its connection was lost.
_CONNECTION_WAS_LOST = "8s2b"
#: SQLite's primary codes. A busy file is away: the one writer has been waited for long enough.
_SQLITE_AWAY = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
)
_SQLITE_BUSY = (sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_PRIMARY_CODE = 0xFF


class Trouble(Enum):
    """What an error says about the database."""

    #: It does not answer, takes no writes, or ends connections: a transaction is gone, and waiting helps.
    AWAY = "away"
    #: Others were in the way: the same once more can succeed.
    BUSY = "busy"


#: Errors of the ledger's own database, among those that a body may meet.
_OURS: WeakSet[BaseException] = WeakSet()


def is_away(error: BaseException) -> bool:
    """Whether the database is to be waited for."""
    return trouble_of(error) is Trouble.AWAY


def is_transient(error: BaseException) -> bool:
    """Whether the same may succeed later, and nothing is wrong with the statement or its values."""
    return trouble_of(error) is not None


def is_read_only(error: BaseException) -> bool:
    """Whether a transaction of PostgreSQL took no writes, be it by a failover or as somebody wished."""
    return any(
        getattr(getattr(cause, "orig", cause), "sqlstate", None) == _READ_ONLY for cause in _causes(error)
    )


def trouble_of(error: BaseException) -> Trouble | None:
    """What an error says about the database; None where the statement is wrong, or it is no such error."""
    if isinstance(error, exc.DBAPIError):
        return _of_wrapped(error)
    if isinstance(error, psycopg.Error):
        return _of_postgresql(error)
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error)
    if isinstance(error, exc.TimeoutError):
        return Trouble.BUSY
    was_lost = isinstance(error, exc.PendingRollbackError) and error.code == _CONNECTION_WAS_LOST
    return Trouble.AWAY if was_lost else None


def belongs_to_ledger(error: BaseException) -> None:
    """Note that an error came from the ledger's database; one of a value, such as half a pair, has no say."""
    if isinstance(error, ERRORS):
        _OURS.add(error)


def is_outage(error: BaseException) -> bool:
    """Whether the ledger's database being away is what led to `error`."""
    # In this order: an exception of a body, such as a dataclass, may have no hash to be looked up by.
    return any(is_away(cause) and cause in _OURS for cause in _causes(error))


def is_broken_transaction(error: BaseException) -> bool:
    """Whether an earlier error in the same transaction is what stands in the way."""
    if isinstance(error, exc.DBAPIError):
        error = error.orig or error
    return isinstance(error, psycopg.errors.InFailedSqlTransaction | exc.PendingRollbackError)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _of_wrapped(error: exc.DBAPIError) -> Trouble | None:
    if getattr(error.orig, "sqlstate", None):
        return trouble_of(error.orig) if error.orig else None
    if error.connection_invalidated:
        return Trouble.AWAY
    return trouble_of(error.orig) if error.orig else None


def _of_postgresql(error: psycopg.Error) -> Trouble | None:
    state = error.sqlstate
    if state is None:
        # The connection could not be made, or broke; libpq hands no code on then.
        broke = isinstance(error, psycopg.InterfaceError) and "connection" in str(error)
        return Trouble.AWAY if broke or isinstance(error, psycopg.OperationalError) else None
    if state in _AWAY or state.startswith(_AWAY_CLASSES):
        return Trouble.AWAY
    return Trouble.BUSY if state in _BUSY else None


def _of_sqlite(error: sqlite3.Error) -> Trouble | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    if code & _PRIMARY_CODE in _SQLITE_AWAY:
        return Trouble.AWAY
    return Trouble.BUSY if code & _PRIMARY_CODE in _SQLITE_BUSY else None

"""The engine of a process, set up for how the ledger uses each database."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    URL,
    Engine,
    create_engine,
    event,
)

from app.db import outages
from app.db.far_times import read_far_times
from app.settings.config import settings
from app.values.typed_json import from_json, to_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from sqlalchemy import ExceptionContext


#: A SQLite writer waits this long for its turn; there is one writer at a time.
SQLITE_BUSY_TIMEOUT = timedelta(seconds=30)


#: A statement that waits longer than this for a lock fails and can be tried again.
LOCK_TIMEOUT = timedelta(seconds=10)


CONNECT_TIMEOUT = timedelta(seconds=5)


#: A host that vanished says nothing; a connection to it is given up after this.
SILENCE_TIMEOUT = timedelta(seconds=30)


#: The connections that a process keeps and may open beyond them.
POOL = {"pool_size": 10, "max_overflow": 30}
#: Of those that are for questions.
ASKING_POOL = {"pool_size": 1, "max_overflow": 10}
_most_connections = sum(POOL.values())


def need_connections(number: int) -> None:
    """Let this process have so many at once, if that is more than usual."""
    global _most_connections
    if number > _most_connections:
        dispose_engine()
        _most_connections = number


#: What libpq is told for each connection.
POSTGRESQL_CONNECTION: dict[str, Any] = {
    "connect_timeout": int(CONNECT_TIMEOUT.total_seconds()),
    "tcp_user_timeout": int(SILENCE_TIMEOUT.total_seconds() * 1000),
    "keepalives_idle": int(SILENCE_TIMEOUT.total_seconds() / 3),
    "keepalives_interval": int(SILENCE_TIMEOUT.total_seconds() / 3),
    "keepalives_count": 2,
}


#: The ORM reads and writes columns of JSON as the raw statements do: with the types of what is in them.
JSON_COLUMNS: dict[str, Any] = {"json_serializer": to_json, "json_deserializer": from_json}


def engine() -> Engine:
    """The engine of this process. A forked child gets its own: connections must not be shared."""
    return _engine_of(os.getpid(), _most_connections)


def asking_engine() -> Engine:
    """That of questions that a process asks again and again, each by itself.

    Its connection has them prepared, and to plan a question anew takes longer than to answer it. Where a
    transaction is rolled back, psycopg takes all that the connection has prepared for void.
    """
    return _asking_engine_of(os.getpid())


# What a child inherits is kept, not dropped: closing it there could disturb the parent's connections.
@cache
def _engine_of(_pid: int, connections: int) -> Engine:
    pool = POOL | {"max_overflow": connections - POOL["pool_size"]}
    made = make_engine(settings().database, pool=pool)
    event.listen(made, "handle_error", _note_error)
    return made


@cache
def _asking_engine_of(_pid: int) -> Engine:
    made = make_engine(settings().database, pool=ASKING_POOL)
    event.listen(made, "handle_error", _note_error)
    return made


def _note_error(context: ExceptionContext) -> None:
    outages.belongs_to_ledger(context.sqlalchemy_exception or context.original_exception)


def dispose_engine() -> None:
    """Close the connections that this process keeps for later; the next use opens new ones."""
    if _engine_of.cache_info().currsize:
        engine().dispose()
    if _asking_engine_of.cache_info().currsize:
        asking_engine().dispose()


def make_engine(url: URL, *, pool: Mapping[str, Any] = POOL, options: str = "") -> Engine:
    """An engine for what `app.settings.database_url` read, set up for how the ledger uses it.

    `pool` and `options`, which are libpq's, are those of PostgreSQL.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    made = create_engine(
        url,
        **JSON_COLUMNS,
        **pool,
        pool_pre_ping=True,
        connect_args={
            **POSTGRESQL_CONNECTION,
            # What a large table lets a statement be thought to cost would have most of them compiled, which
            # takes longer than they do.
            "options": "-c timezone=UTC -c jit=off "
            f"-c lock_timeout={int(LOCK_TIMEOUT.total_seconds() * 1000)} {options}".rstrip(),
        },
    )

    @event.listens_for(made, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        read_far_times(connection)

    return made


def _sqlite_engine(url: URL) -> Engine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    timeout = SQLITE_BUSY_TIMEOUT.total_seconds()
    made = create_engine(url, **JSON_COLUMNS, connect_args={"timeout": timeout})

    @event.listens_for(made, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        prepare_sqlite(connection)

    @event.listens_for(made, "begin")
    def _begin(connection: Any) -> None:
        # A deferred transaction that turns into a writer fails at once when another wrote meanwhile;
        # one that begins as a writer waits for its turn.
        mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return made


def prepare_sqlite(connection: sqlite3.Connection) -> None:
    """Give one raw SQLite connection the project's modes; transactions are begun by hand."""
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA busy_timeout={int(SQLITE_BUSY_TIMEOUT.total_seconds() * 1000)}")

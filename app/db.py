"""The database: engine, declarative base, and the two ways to open a session."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    URL,
    BigInteger,
    DateTime,
    Engine,
    Integer,
    MetaData,
    create_engine,
    event,
    select,
    types,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql.functions import FunctionElement

from app import outages
from app.config import settings
from app.far_times import forgiving, read_far_times
from app.typed_json import from_json, to_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from sqlalchemy import ExceptionContext

#: A SQLite writer waits this long for its turn; there is one writer at a time.
SQLITE_BUSY_TIMEOUT = timedelta(seconds=30)
#: A statement that waits longer than this for a lock fails and can be tried again.
LOCK_TIMEOUT = timedelta(seconds=10)
CONNECT_TIMEOUT = timedelta(seconds=5)
#: A host that vanished says nothing; a connection to it is given up after this.
SILENCE_TIMEOUT = timedelta(seconds=30)
#: What libpq is told for each connection.
POSTGRESQL_CONNECTION: dict[str, Any] = {
    "connect_timeout": int(CONNECT_TIMEOUT.total_seconds()),
    "tcp_user_timeout": int(SILENCE_TIMEOUT.total_seconds() * 1000),
    "keepalives_idle": int(SILENCE_TIMEOUT.total_seconds() / 3),
    "keepalives_interval": int(SILENCE_TIMEOUT.total_seconds() / 3),
    "keepalives_count": 2,
}
#: How SQLAlchemy stores a time in SQLite. The raw statements of `app.jobs.store` write the same form.
SQLITE_TIME_FORMAT = "%Y-%m-%d %H:%M:%S.%f"
#: The ORM reads and writes columns of JSON as the raw statements do: with the types of what is in them.
JSON_COLUMNS: dict[str, Any] = {"json_serializer": to_json, "json_deserializer": from_json}
#: SQLite numbers rows by itself only in a column that is plain INTEGER.
BIG_ID = BigInteger().with_variant(Integer(), "sqlite")

_SESSION: ContextVar[Session | None] = ContextVar("groundwork_session", default=None)


class UtcDateTime(types.TypeDecorator[datetime]):
    """A moment: always aware, always UTC, on both databases."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"The time {value} has no zone; give it one, such as datetime.now(UTC).")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Any, coltype: Any) -> Any:
        read = super().result_processor(dialect, coltype)
        return forgiving(read) if read and dialect.name == "sqlite" else read

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables; constraint names follow one convention, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime()}  # noqa: RUF012 (SQLAlchemy reads it from the class)


class clock(FunctionElement[datetime]):  # noqa: N801 (reads as the SQL function it is)
    """The database's clock, now; with an argument, so many seconds later."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(clock, "postgresql")
def _clock_postgresql(element: clock, compiler: Any, **kwargs: Any) -> str:
    if not element.clauses.clauses:
        return "clock_timestamp()"
    return f"clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **kwargs)})"


@compiles(clock, "sqlite")
def _clock_sqlite(element: clock, compiler: Any, **kwargs: Any) -> str:
    if not element.clauses.clauses:
        return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    seconds = compiler.process(element.clauses, **kwargs)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', printf('%+.3f seconds', {seconds}))"


def insert_or_update(session: Session, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what to do when the row is there (`on_conflict_do_update`)."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def now(session: Session) -> datetime:
    """What the database's clock shows."""
    return session.execute(select(clock())).scalar_one()


def engine() -> Engine:
    """The engine of this process. A forked child gets its own: connections must not be shared."""
    return _engine_of(os.getpid())


# What a child inherits is kept, not dropped: closing it there could disturb the parent's connections.
@cache
def _engine_of(_pid: int) -> Engine:
    made = make_engine(settings().database)
    event.listen(made, "handle_error", _note_error)
    return made


def _note_error(context: ExceptionContext) -> None:
    outages.belongs_to_ledger(context.sqlalchemy_exception or context.original_exception)


def let_go() -> None:
    """Close the connections that this process keeps for later; the next use opens new ones."""
    if _engine_of.cache_info().currsize:
        engine().dispose()


def make_engine(url: URL) -> Engine:
    """An engine for what `app.database_url` read, set up for how the ledger uses it."""
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    made = create_engine(
        url,
        **JSON_COLUMNS,
        pool_size=10,
        max_overflow=30,
        pool_pre_ping=True,
        connect_args={
            **POSTGRESQL_CONNECTION,
            "options": f"-c timezone=UTC -c lock_timeout={int(LOCK_TIMEOUT.total_seconds() * 1000)}",
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


def current_session() -> Session | None:
    """The session whose transaction surrounds the running code, if any."""
    return _SESSION.get()


@contextmanager
def using(session: Session) -> Iterator[Session]:
    """Make `session` the surrounding one: jobs accepted inside belong to its transaction."""
    token = _SESSION.set(session)
    try:
        yield session
    finally:
        _SESSION.reset(token)


@contextmanager
def transaction() -> Iterator[Session]:
    """A transaction of its own: committed at the end, rolled back on any error.

    Jobs accepted inside (`some_task.delay(...)`) are part of it and are published after its commit.
    """
    with Session(engine(), expire_on_commit=False) as session, using(session), session.begin():
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A session for reading only; on SQLite it does not wait for the writer."""
    with Session(engine(), expire_on_commit=False) as session:
        session.connection(execution_options={"sqlite_begin": "DEFERRED"})
        yield session

"""The two ways to open a session, and the one that surrounds the running code."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from app.db.engine import asking_engine, engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_SESSION: ContextVar[Session | None] = ContextVar("groundwork_session", default=None)


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


@contextmanager
def asking() -> Iterator[Connection]:
    """A connection for a single question, at the price of that: PostgreSQL needs no transaction around it."""
    if engine().dialect.name != "postgresql":
        with engine().connect() as connection:
            yield connection.execution_options(sqlite_begin="DEFERRED")
        return
    with asking_engine().connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")

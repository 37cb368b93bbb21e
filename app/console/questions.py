"""Asks the database for pages: on few connections of their own, for reading, and never for long.

What a page asks must not slow down the work that it shows.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.db.engine import make_engine
from app.errors import Unavailable
from app.settings.config import settings

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from sqlalchemy import URL, Engine

LONGEST_QUESTION = timedelta(milliseconds=400)
#: Pages beyond wait for one of them, and then say that too many are asked for.
POOL = {"pool_size": 3, "max_overflow": 0, "pool_timeout": 2}
_OPTIONS = (
    f"-c statement_timeout={int(LONGEST_QUESTION.total_seconds() * 1000)} -c default_transaction_read_only=on"
)
#: Of PostgreSQL, for a statement that was ended.
_QUERY_CANCELED = "57014"

Answer = TypeVar("Answer")


class CutOff(Unavailable):
    """Raised for a question that took so long that it was ended."""

    code = "cut_off"

    def __init__(self) -> None:
        milliseconds = int(LONGEST_QUESTION.total_seconds() * 1000)
        super().__init__(
            f"This took longer than {milliseconds} ms in the database and was ended, so that the work "
            "goes on unhindered. Narrow it: by state, task or queue."
        )


@contextmanager
def looking() -> Iterator[Session]:
    """A session for a page. Raises `CutOff`."""
    try:
        with Session(_engine(), expire_on_commit=False) as session:
            session.connection(execution_options={"sqlite_begin": "DEFERRED"})
            yield session
    except OperationalError as error:
        if not _is_cut_off(error):
            raise
        raise CutOff from None


def answer(ask: Callable[[Session], Answer]) -> Answer | None:
    """What `ask` finds out; None if that was cut off, so that the rest of a page is shown without it."""
    try:
        with looking() as session:
            return ask(session)
    except CutOff:
        return None


class Asker:
    """Asks several questions one after the other, of one connection."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def answer(self, ask: Callable[[Session], Answer]) -> Answer | None:
        """What `ask` finds out; None if that was cut off, which leaves the other questions."""
        try:
            return ask(self._session)
        except OperationalError as error:
            if not _is_cut_off(error):
                raise
            return None


@contextmanager
def asking() -> Iterator[Asker]:
    """For a page of many questions, at the price of those: PostgreSQL needs no transaction around one."""
    with _engine().connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="AUTOCOMMIT")
        else:
            connection.execution_options(sqlite_begin="DEFERRED")
        with Session(connection, expire_on_commit=False) as session:
            yield Asker(session)


def _is_cut_off(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", None) == _QUERY_CANCELED


def _engine() -> Engine:
    return _engine_of(os.getpid(), settings().database)


@lru_cache(maxsize=1)
def _engine_of(_pid: int, url: URL) -> Engine:
    made = make_engine(url, pool=POOL, options=_OPTIONS)
    if url.get_backend_name() == "sqlite":

        @event.listens_for(made, "connect")
        def _only_read(connection: sqlite3.Connection, _record: Any) -> None:
            connection.execute("PRAGMA query_only=ON")

    return made

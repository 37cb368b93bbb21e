"""Migrated databases that tests copy, made by the first of all processes of a run that needs them."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

from app.db.engine import make_engine
from app.db.migrations import revisions
from app.settings.database_url import parse
from tests.servers import TEMPLATE, PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def made_once(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, where there is by then what `make` leaves there."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            make(path)
    return path


def make_postgres_data(path: Path) -> None:
    """The files of a PostgreSQL with the database `TEMPLATE`."""
    server = PostgresServer()
    server.start()
    server.execute(f"CREATE DATABASE {TEMPLATE}")
    revisions.upgrade(database_url=server.url(TEMPLATE))
    server.halt()
    server.data.rename(path)
    server.close()


def make_sqlite_file(path: Path) -> None:
    """The file of a SQLite database, with nothing of it left in a log beside it."""
    being_made = path.with_suffix(".new")
    revisions.upgrade(database_url=f"sqlite:///{being_made}")
    engine = make_engine(parse(f"sqlite:///{being_made}"))
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    being_made.rename(path)

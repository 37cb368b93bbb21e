"""An error of the database is judged by its code, whatever class the driver gave it."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import exc, make_url, text
from sqlalchemy.orm import Session

from app.db import outages
from app.db.engine import make_engine
from app.db.outages import Trouble
from app.db.sessions import transaction
from app.jobs.ledger import inserting, store
from app.jobs.ledger.new_job import NewJob
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers import PostgresServer

#: Statements that fail, by what is said of them.
POSTGRESQL = [
    ("SELECT nonsense", None),
    ("SELECT * FROM there_is_no_such_table", None),
    ("SELECT 1 / 0", None),
    ("INSERT INTO job (id) VALUES (NULL)", None),
    ("SELECT 'a' || chr(0)", None),
    # psycopg makes an OperationalError of this one.
    ("SELECT repeat('x', 1024 * 1024 * 1024)", None),
    # and an InternalError of this one.
    ("SET TRANSACTION READ ONLY; DELETE FROM job", Trouble.AWAY),
    ("SELECT pg_terminate_backend(pg_backend_pid())", Trouble.AWAY),
    ("SET statement_timeout = 1; SELECT pg_sleep(60)", Trouble.BUSY),
    *[(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$", Trouble.AWAY) for code in ("08006", "57P03", "53300")],
    *[(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$", Trouble.BUSY) for code in ("40001", "40P01", "55P03")],
    *[
        (f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$", None)
        for code in ("54000", "22P05", "25P02", "XX000")
    ],
]


@pytest.mark.parametrize(("statement", "trouble"), POSTGRESQL)
def test_errors_of_postgresql(postgres_url: str, statement: str, trouble: Trouble | None) -> None:
    engine = make_engine(make_url(postgres_url))
    with pytest.raises(exc.DBAPIError) as wrapped, Session(engine) as session:
        session.execute(text(statement))
    assert outages.trouble_of(wrapped.value) is trouble
    with pytest.raises(psycopg.Error) as bare, psycopg.connect(postgres_url) as connection:
        connection.execute(statement.encode())
    assert outages.trouble_of(bare.value) is trouble
    engine.dispose()


def test_a_row_that_no_index_can_hold_is_wrong_in_itself(
    configure: Callable[..., None], postgres_url: str
) -> None:
    configure(database_url=postgres_url)
    with pytest.raises(psycopg.OperationalError, match="index row requires") as found:
        inserting.insert(store.connection(), [NewJob(os.urandom(500_000).hex(), "a.b", "default", 6)])
    assert not outages.is_transient(found.value)


def test_what_cannot_be_reached_is_away(postgres_server: PostgresServer) -> None:
    for url in (
        f"postgresql://groundwork@127.0.0.1:{free_port()}/x",
        postgres_server.url("no_such_database"),
    ):
        with pytest.raises(psycopg.OperationalError) as found:
            psycopg.connect(url)
        assert outages.is_away(found.value)


def test_a_closed_connection_is_away_and_a_closed_cursor_is_not(postgres_url: str) -> None:
    connection = psycopg.connect(postgres_url)
    cursor = connection.cursor()
    cursor.close()
    with pytest.raises(psycopg.InterfaceError) as wrong:
        cursor.execute("SELECT 1")
    connection.close()
    with pytest.raises(psycopg.Error) as away:
        connection.execute("SELECT 1")
    assert (outages.is_away(wrong.value), outages.is_away(away.value)) == (False, True)


def test_a_session_that_goes_on_after_its_connection_was_lost_is_away(postgres_url: str) -> None:
    engine = make_engine(make_url(postgres_url))
    with Session(engine) as session:
        for statement in ("SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1"):
            with pytest.raises(exc.SQLAlchemyError) as found:
                session.execute(text(statement))
            assert outages.is_away(found.value)
    engine.dispose()


def test_a_session_that_goes_on_after_a_wrong_statement_is_not_away(postgres_url: str) -> None:
    engine = make_engine(make_url(postgres_url))
    with Session(engine) as session:
        for _ in range(2):
            with pytest.raises(exc.SQLAlchemyError) as found:
                session.execute(text("SELECT nonsense"))
            assert not outages.is_transient(found.value)
        assert outages.is_broken_transaction(found.value)
    engine.dispose()


def failure(connection: sqlite3.Connection, *statements: str) -> sqlite3.Error:
    *before, last = statements
    for statement in before:
        connection.execute(statement)
    with pytest.raises(sqlite3.Error) as found:
        connection.execute(last)
    return found.value


def test_errors_of_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    writer, other = (sqlite3.connect(path, timeout=0, isolation_level=None) for _ in range(2))
    writer.execute("CREATE TABLE t (value INTEGER PRIMARY KEY)")
    said: dict[str, Trouble | None] = {}

    def judge(name: str, error: Any) -> None:
        said[name] = outages.trouble_of(error)

    judge("syntax", failure(writer, "SELECT nonsense FROM"))
    judge("table", failure(writer, "SELECT * FROM there_is_no_such_table"))
    judge("constraint", failure(writer, "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)"))
    writer.execute("BEGIN IMMEDIATE")
    judge("busy", failure(other, "BEGIN IMMEDIATE"))
    writer.execute("ROLLBACK")
    judge("full", failure(writer, "PRAGMA max_page_count = 3", "CREATE TABLE u AS SELECT zeroblob(100000)"))
    judge("readonly", failure(sqlite3.connect(f"file:{path}?mode=ro", uri=True), "DELETE FROM t"))
    with pytest.raises(sqlite3.Error) as nowhere:
        sqlite3.connect(tmp_path / "no" / "such" / "folder.db")
    judge("nowhere", nowhere.value)
    writer.close()
    judge("closed", failure(writer, "SELECT 1"))
    assert said == {
        "syntax": None,
        "table": None,
        "constraint": None,
        "busy": Trouble.AWAY,
        "full": Trouble.AWAY,
        "readonly": Trouble.AWAY,
        "nowhere": Trouble.AWAY,
        "closed": None,
    }


def test_an_outage_is_found_behind_what_a_body_made_of_it(
    configure: Callable[..., None], postgres_url: str
) -> None:
    configure(database_url=postgres_url)
    with pytest.raises(RuntimeError) as found:
        hide_an_outage()
    assert outages.is_outage(found.value)


def hide_an_outage() -> None:
    try:
        with transaction() as session:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    except exc.SQLAlchemyError as error:
        raise RuntimeError("the body's own words") from error


@dataclass
class Unhashable(Exception):
    """Equal to others of its kind, so it has no hash."""

    code: int


def test_an_exception_without_a_hash_is_no_outage() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Unhashable(5))
    assert not outages.is_outage(Unhashable(5))


def test_another_databases_absence_is_no_outage_of_the_ledger() -> None:
    with pytest.raises(psycopg.OperationalError) as found:
        psycopg.connect(f"postgresql://groundwork@127.0.0.1:{free_port()}/x")
    assert outages.is_away(found.value)
    assert not outages.is_outage(found.value)

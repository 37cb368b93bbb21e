"""How code comes by a connection, and what it leaves behind."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, text

from app.db.clock import clock
from app.db.sessions import asking, reading, transaction
from app.jobs.ledger.models import Turn

pytestmark = pytest.mark.usefixtures("database")

#: psycopg prepares what a connection has executed so often.
PREPARED_AFTER = 5


class Undone(Exception):
    """Raised so that a transaction is undone."""


def turns() -> int:
    with asking() as connection:
        return int(connection.execute(text("SELECT count(*) FROM turn")).scalar_one())


def write_in_vain() -> None:
    with transaction() as session:
        session.execute(insert(Turn).values(partition="p", taken_at=clock()))
        raise Undone


def test_a_question_leaves_no_connection_without_transactions() -> None:
    for _ in range(2):
        assert turns() == 0
        with pytest.raises(Undone):
            write_in_vain()
    with reading() as session:
        before = session.scalar(text("SELECT count(*) FROM turn"))
    assert (before, turns()) == (0, 0)


def test_a_question_is_answered_while_somebody_writes() -> None:
    with transaction() as session:
        session.execute(insert(Turn).values(partition="p", taken_at=clock()))
        assert turns() == 0
    assert turns() == 1


@pytest.mark.databases("postgresql")
def test_a_question_stays_prepared_whatever_sessions_undo() -> None:
    for _ in range(PREPARED_AFTER + 1):
        turns()
        with reading() as session:
            session.execute(text("SELECT 1"))
    with asking() as connection:
        prepared = connection.execute(text("SELECT statement FROM pg_prepared_statements")).scalars()
        assert "SELECT count(*) FROM turn" in list(prepared)

"""The hot path: the few statements every job goes through, on raw connections and for lists of jobs.

Each statement exists once per database. Times come from the database's clock. A connection is the
driver's own: this thread's in autocommit mode (`connection()`), or the one under a session (`under()`),
whose transaction the statement then joins.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg.errors import DivisionByZero

from app.db.engine import LOCK_TIMEOUT, POSTGRESQL_CONNECTION, SQLITE_BUSY_TIMEOUT, prepare_sqlite
from app.jobs.ledger import prepared
from app.jobs.ledger.statements import POSTGRESQL, SQLITE
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

Connection = psycopg.Connection[Any] | sqlite3.Connection


# Every statement here finds its rows by primary key. Left to itself the planner would plan each execution
# anew, which costs more than the execution, or settle on reading the whole table while that is still small.
_SESSION = {
    "timezone": "UTC",
    "lock_timeout": int(LOCK_TIMEOUT.total_seconds() * 1000),
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


class Message(NamedTuple):
    """What a worker holds: the id, and how many attempts had been made when the message was sent."""

    id: str
    attempt: int


class Claim(NamedTuple):
    """A job that is now this worker's."""

    id: str
    fence: int
    attempt: int
    max_attempts: int | None


class Finish(NamedTuple):
    """A job that is done; `result` is JSON text. It began so many seconds ago, or when it was claimed."""

    id: str
    fence: int
    result: str | None
    seconds: float | None = None


class _Local(threading.local):
    pid: int = 0
    connection: Connection | None = None


_LOCAL = _Local()


def connection() -> Connection:
    """This thread's own connection, in autocommit mode. A forked child opens a new one."""
    if _LOCAL.connection is None or os.getpid() != _LOCAL.pid:
        _LOCAL.connection, _LOCAL.pid = connect(), os.getpid()
    return _LOCAL.connection


def close() -> None:
    """Close this thread's connection; the next use opens another."""
    opened, _LOCAL.connection = _LOCAL.connection, None
    if opened is not None and os.getpid() == _LOCAL.pid:
        opened.close()


def close_if_lost() -> bool:
    """Close this thread's connection if its server is gone from it; whether that was so."""
    lost = isinstance(_LOCAL.connection, psycopg.Connection) and _LOCAL.connection.broken
    if lost:
        close()
    return lost


def connect() -> Connection:
    """A new connection in autocommit mode, which the caller closes."""
    url = settings().database
    if url.get_backend_name() == "sqlite":
        opened = sqlite3.connect(
            str(url.database),
            timeout=SQLITE_BUSY_TIMEOUT.total_seconds(),
            check_same_thread=False,
        )
        prepare_sqlite(opened)
        return opened
    # Not as a URL: what may stand in a password is written otherwise in libpq's, which says all of one it
    # cannot read.
    _, place = url.get_dialect()().create_connect_args(url)
    return psycopg.connect(
        **{**POSTGRESQL_CONNECTION, **place},
        autocommit=True,
        options=" ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
    )


def under(session: Session) -> Connection:
    """The driver's connection of `session`, inside its transaction."""
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection | sqlite3.Connection)  # noqa: S101 (narrows the type)
    return driver


def claim(
    connection: Connection, messages: Sequence[Message], *, worker: str, ahead: bool = False
) -> list[Claim]:
    """Take the jobs that are ready and of which `messages` are not older copies.

    `ahead` of their turn, it leaves those with one attempt left: a worker's death would make them dead though
    they had not begun.
    """
    lease, release = settings().lease_seconds, settings().release
    if isinstance(connection, sqlite3.Connection):
        values: tuple[Any, ...] = (worker, release, f"+{lease} seconds")
        if len(messages) == 1 and not ahead:
            rows = connection.execute(SQLITE.claim_one, (*values, *messages[0])).fetchall()
        else:
            rows = connection.execute(SQLITE.claim, (*values, json.dumps(messages), ahead)).fetchall()
        return [Claim(*row) for row in rows]
    values = (worker, release, lease)
    if len(messages) == 1 and not ahead:
        rows = prepared.run(connection, POSTGRESQL.claim_one, (*values, *messages[0]))
    else:
        rows = prepared.run(connection, POSTGRESQL.claim, (*values, *_columns(messages), ahead))
    return [Claim(*row[:4]) for row in rows]


def finish(connection: Connection, finishes: Sequence[Finish]) -> set[str]:
    """Mark jobs done; the answer holds the ids whose fence was still good."""
    first = finishes[0]
    is_one = len(finishes) == 1 and first.seconds is None
    one = (first.result, first.id, first.fence) if is_one else None
    if isinstance(connection, sqlite3.Connection):
        if one:
            rows = connection.execute(SQLITE.finish_one, one).fetchall()
        else:
            rows = connection.execute(SQLITE.finish, (json.dumps(finishes),)).fetchall()
    elif one:
        rows = prepared.run(connection, POSTGRESQL.finish_one, one)
    else:
        rows = prepared.run(connection, POSTGRESQL.finish, _columns(finishes))
    return {row[0] for row in rows}


def finish_with(session: Session, one: Finish) -> bool:
    """Mark a job done and commit the session's transaction; False for a fence that is no longer good."""
    connection = under(session)
    is_more_to_do = session.in_nested_transaction() or session.dispatch.before_commit
    if isinstance(connection, sqlite3.Connection) or is_more_to_do:
        if not finish(connection, [one]):
            return False
    else:
        try:
            prepared.end_with(connection, POSTGRESQL.finish_or_fail, (one.result, one.id, one.fence))
        except DivisionByZero:
            return False
    # After the latter nothing is left to send: this tells SQLAlchemy that its transaction has ended.
    session.commit()
    return True


def note_begun(connection: Connection, begun: Sequence[tuple[str, int, float]]) -> None:
    """Note of jobs (ids and fences) how many seconds ago they began."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute(SQLITE.note_begun, (json.dumps(begun),)).fetchall()
    else:
        prepared.run(connection, POSTGRESQL.note_begun, _columns(begun))


def release(connection: Connection, claims: Sequence[tuple[str, int]]) -> set[str]:
    """Undo claims (ids and fences) of jobs that have not begun; the answer holds the ids of those undone."""
    if isinstance(connection, sqlite3.Connection):
        rows = connection.execute(SQLITE.release, (json.dumps(claims),)).fetchall()
    else:
        rows = prepared.run(connection, POSTGRESQL.release, _columns(claims))
    return {row[0] for row in rows}


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def extend(connection: Connection, *, ids: Sequence[str], worker: str) -> set[str]:
    """Renew the leases `worker` holds on `ids`; the answer holds those it still has."""
    lease = settings().lease_seconds
    if isinstance(connection, sqlite3.Connection):
        values: tuple[Any, ...] = (f"+{lease} seconds", json.dumps(list(ids)), worker)
        rows = connection.execute(SQLITE.extend, values).fetchall()
    else:
        rows = prepared.run(connection, POSTGRESQL.extend, (lease, list(ids), worker))
    return {row[0] for row in rows}


def take_over(connection: Connection, message: Message, *, worker: str, since_seconds: float) -> list[Claim]:
    """The job that `worker` claimed by `message` within the last seconds, with a new fence.

    For a claim whose answer was lost. Another message like it may have been claimed before, not since.
    """
    values = (*message, worker, since_seconds)
    if isinstance(connection, sqlite3.Connection):
        rows = connection.execute(SQLITE.take_over, values).fetchall()
    else:
        rows = prepared.run(connection, POSTGRESQL.take_over, values)
    return [Claim(*row) for row in rows]


def is_done(connection: Connection, *, job_id: str, fence: int) -> bool:
    """Whether the attempt with this fence finished the job."""
    if isinstance(connection, sqlite3.Connection):
        return connection.execute(SQLITE.is_done, (job_id, fence)).fetchone() is not None
    return bool(prepared.run(connection, POSTGRESQL.is_done, (job_id, fence)))


def checkpoint(connection: Connection, *, job_id: str, fence: int, progress: str | None) -> bool:
    """Renew one lease and keep `progress` (JSON text); False when the fence is no longer good."""
    lease = settings().lease_seconds
    if isinstance(connection, sqlite3.Connection):
        values = (f"+{lease} seconds", progress, job_id, fence)
        return connection.execute(SQLITE.checkpoint, values).fetchone() is not None
    values_ = (lease, progress, job_id, fence)
    return bool(prepared.run(connection, POSTGRESQL.checkpoint, values_))

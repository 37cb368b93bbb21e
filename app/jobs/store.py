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
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import make_url

from app import db
from app.config import settings
from app.jobs.prepared import Prepared
from app.jobs.statements import POSTGRESQL, SQLITE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

Connection = psycopg.Connection[Any] | sqlite3.Connection
#: What a driver raises when the database is away, for the callers that wait for it.
DatabaseAway = (psycopg.OperationalError, sqlite3.OperationalError)


# Every statement here finds its rows by primary key. Left to itself the planner would plan each execution
# anew, which costs more than the execution, or settle on reading the whole table while that is still small.
_SESSION = {
    "timezone": "UTC",
    "lock_timeout": int(db.LOCK_TIMEOUT.total_seconds() * 1000),
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


class NewJob(NamedTuple):
    """A job to accept. What is JSON in the ledger is JSON text here: encoded once for ledger and wire."""

    id: str
    task: str
    queue: str
    priority: int
    args: str = "[]"
    kwargs: str = "{}"
    options: str | None = None
    key: str | None = None
    digest: str | None = None
    context: str | None = None
    group_id: str | None = None
    #: Not before this moment, or not before so many seconds after it was accepted.
    run_at: datetime | None = None
    delay_seconds: float = 0.0
    expires_at: datetime | None = None
    expires_seconds: float | None = None
    max_attempts: int | None = None


class Stored(NamedTuple):
    """A row just inserted; `published` is the moment (epoch seconds) it counts as sent, None when not due."""

    id: str
    published: float | None
    expires: str | None


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
    """A job that is done; `result` is JSON text."""

    id: str
    fence: int
    result: str | None


class _Local(threading.local):
    pid: int = 0
    connection: Connection | None = None


_LOCAL = _Local()
#: The statements that each connection knows already, those under sessions included.
_PREPARED: WeakKeyDictionary[psycopg.Connection[Any], Prepared] = WeakKeyDictionary()


def connection() -> Connection:
    """This thread's own connection, in autocommit mode. A forked child opens a new one."""
    if _LOCAL.connection is None or os.getpid() != _LOCAL.pid:
        _LOCAL.connection, _LOCAL.pid = _connect(), os.getpid()
    return _LOCAL.connection


def close() -> None:
    """Close this thread's connection; the next use opens another."""
    if _LOCAL.connection is not None and os.getpid() == _LOCAL.pid:
        _LOCAL.connection.close()
    _LOCAL.connection = None


def _connect() -> Connection:
    url = make_url(settings().database_url)
    if url.get_backend_name() == "sqlite":
        opened = sqlite3.connect(
            url.database or ":memory:",
            timeout=db.SQLITE_BUSY_TIMEOUT.total_seconds(),
            check_same_thread=False,
        )
        db.prepare_sqlite(opened)
        return opened
    return psycopg.connect(
        url.set(drivername="postgresql").render_as_string(hide_password=False),
        autocommit=True,
        connect_timeout=int(db.CONNECT_TIMEOUT.total_seconds()),
        options=" ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
    )


def under(session: Session) -> Connection:
    """The driver's connection of `session`, inside its transaction."""
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection | sqlite3.Connection)  # noqa: S101 (narrows the type)
    return driver


def accept(connection: Connection, jobs: Sequence[NewJob]) -> list[Stored]:
    """Insert `jobs` with one statement. One whose id or key is known already is left out of the answer."""
    if isinstance(connection, sqlite3.Connection):
        rows = connection.execute(SQLITE.accept, (_as_json(jobs),)).fetchall()
    else:
        rows = _run(connection, POSTGRESQL.accept, _as_columns(jobs))
    return [Stored(*row) for row in rows]


def claim(connection: Connection, messages: Sequence[Message], *, worker: str) -> list[Claim]:
    """Take the jobs that are ready and of which `messages` are not older copies."""
    lease, release = settings().lease_seconds, settings().release
    if isinstance(connection, sqlite3.Connection):
        values = (worker, release, f"+{lease} seconds", json.dumps(messages))
        rows = connection.execute(SQLITE.claim, values).fetchall()
        return [Claim(*row) for row in rows]
    ids, attempts = [m.id for m in messages], [m.attempt for m in messages]
    rows = _run(connection, POSTGRESQL.claim, (worker, release, lease, ids, attempts))
    return [Claim(*row[:4]) for row in rows]


def finish(connection: Connection, finishes: Sequence[Finish]) -> set[str]:
    """Mark jobs done; the answer holds the ids whose fence was still good."""
    if isinstance(connection, sqlite3.Connection):
        rows = connection.execute(SQLITE.finish, (json.dumps(finishes),)).fetchall()
    else:
        columns = tuple(map(list, zip(*finishes, strict=True)))
        rows = _run(connection, POSTGRESQL.finish, columns)
    return {row[0] for row in rows}


def extend(connection: Connection, *, ids: Sequence[str], worker: str) -> set[str]:
    """Renew the leases `worker` holds on `ids`; the answer holds those it still has."""
    lease = settings().lease_seconds
    if isinstance(connection, sqlite3.Connection):
        values: tuple[Any, ...] = (f"+{lease} seconds", json.dumps(list(ids)), worker)
        rows = connection.execute(SQLITE.extend, values).fetchall()
    else:
        rows = _run(connection, POSTGRESQL.extend, (lease, list(ids), worker))
    return {row[0] for row in rows}


def checkpoint(connection: Connection, *, job_id: str, fence: int, progress: str | None) -> bool:
    """Renew one lease and keep `progress` (JSON text); False when the fence is no longer good."""
    lease = settings().lease_seconds
    if isinstance(connection, sqlite3.Connection):
        values = (f"+{lease} seconds", progress, job_id, fence)
        return connection.execute(SQLITE.checkpoint, values).fetchone() is not None
    values_ = (lease, progress, job_id, fence)
    return bool(_run(connection, POSTGRESQL.checkpoint, values_))


def _run(connection: psycopg.Connection[Any], statement: str, values: Sequence[Any]) -> list[Any]:
    prepared = _PREPARED.get(connection)
    if prepared is None:
        prepared = _PREPARED[connection] = Prepared(connection)
    return prepared.run(statement, values)


def _as_columns(jobs: Sequence[NewJob]) -> tuple[list[Any], ...]:
    return (
        [job.id for job in jobs],
        [job.task for job in jobs],
        [job.queue for job in jobs],
        [int(job.priority) for job in jobs],
        [job.args for job in jobs],
        [job.kwargs for job in jobs],
        [job.options for job in jobs],
        [job.key for job in jobs],
        [job.digest for job in jobs],
        [job.context for job in jobs],
        [job.group_id for job in jobs],
        [job.run_at for job in jobs],
        [float(job.delay_seconds) for job in jobs],
        [job.expires_at for job in jobs],
        [job.expires_seconds for job in jobs],
        [job.max_attempts for job in jobs],
    )


def _as_json(jobs: Sequence[NewJob]) -> str:
    return json.dumps([job._asdict() for job in jobs], default=_moment)


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime(db.SQLITE_TIME_FORMAT)

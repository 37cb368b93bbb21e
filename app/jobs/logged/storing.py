"""The statements by which lines are stored: on a connection of their own, which gives way to everybody."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from app.jobs.ledger import prepared, store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.jobs.ledger.store import Connection

#: The last lines before a crash of the database are not worth that each commit waits for the disk; and what
#: waits for a lock, or is slow, is tried again later.
_POSTGRESQL_SESSION = "SET synchronous_commit = off; SET lock_timeout = 200; SET statement_timeout = 5000"
_SQLITE_SESSION = ("PRAGMA synchronous = NORMAL", "PRAGMA busy_timeout = 1000")
# A job that is gone meanwhile has no log. A chunk that is written again, because the answer was lost, may
# have grown.
_INSERT = """
    INSERT INTO job_log (job_id, fence, first, lines)
    SELECT {columns} FROM {rows} WHERE EXISTS (SELECT 1 FROM job WHERE job.id = {job_id})
    ON CONFLICT (job_id, fence, first) DO UPDATE SET lines = excluded.lines
"""
_POSTGRESQL = _INSERT.format(
    columns="one.job_id, one.fence, one.first, one.lines",
    rows="unnest(%s::text[], %s::int[], %s::bigint[], %s::json[]) AS one (job_id, fence, first, lines)",
    job_id="one.job_id",
)
_SQLITE = _INSERT.format(
    columns="value ->> 0, value ->> 1, value ->> 2, value ->> 3",
    rows="json_each(?)",
    job_id="value ->> 0",
)
_FORGET_CHUNKS = "DELETE FROM job_log WHERE job_id = ? AND fence = ? AND first BETWEEN ? AND ?"
_FORGET_ATTEMPTS = "DELETE FROM job_log WHERE job_id = ? AND fence <= ?"


class Row(NamedTuple):
    """A chunk; `lines` is JSON text."""

    job_id: str
    fence: int
    first: int
    lines: str


class Link:
    """A connection that is opened when it is needed, and anew after an error."""

    def __init__(self) -> None:
        self._connection: Connection | None = None

    def insert(self, rows: Sequence[Row]) -> None:
        """Store these, of jobs that there are."""
        connection = self._open()
        if isinstance(connection, sqlite3.Connection):
            connection.execute(_SQLITE, (json.dumps(rows),))
        else:
            prepared.run(connection, _POSTGRESQL, [list(column) for column in zip(*rows, strict=True)])

    def forget_chunks(self, *, job_id: str, fence: int, first: int, last: int) -> None:
        """Delete those of an attempt that begin with these lines, and all between them."""
        self._run(_FORGET_CHUNKS, (job_id, fence, first, last))

    def forget_attempts(self, *, job_id: str, until: int) -> None:
        """Delete those of attempts up to that fence."""
        self._run(_FORGET_ATTEMPTS, (job_id, until))

    def close(self) -> None:
        """Close it; the next use opens another."""
        opened, self._connection = self._connection, None
        if opened is not None:
            with contextlib.suppress(Exception):
                opened.close()

    def _run(self, statement: str, values: tuple[str | int, ...]) -> None:
        connection = self._open()
        if isinstance(connection, sqlite3.Connection):
            connection.execute(statement, values)
        else:
            prepared.run(connection, statement.replace("?", "%s"), values)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = opened = store.connect()
            if isinstance(opened, sqlite3.Connection):
                for statement in _SQLITE_SESSION:
                    opened.execute(statement)
            else:
                opened.execute(_POSTGRESQL_SESSION)
        return self._connection

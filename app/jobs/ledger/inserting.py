"""The statement that accepts jobs: one for a whole batch, carrying only what differs between its jobs."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from app.db.columns import SQLITE_TIME_FORMAT
from app.jobs.ledger import prepared
from app.jobs.ledger.new_job import NewJob
from app.jobs.ledger.statements import POSTGRESQL, SQLITE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg


#: PostgreSQL's types of a new job's fields, in their order; those after it are not stored.
TYPES = {
    "id": "text",
    "task": "text",
    "queue": "text",
    "priority": "int",
    "args": "json",
    "kwargs": "json",
    "options": "json",
    "context": "json",
    "group_id": "text",
    "key": "text",
    "digest": "text",
    "run_at": "timestamptz",
    "delay_seconds": "float8",
    "expires_at": "timestamptz",
    "expires_seconds": "float8",
    "max_attempts": "int",
    "partition": "text",
}


class Stored(NamedTuple):
    """A row just inserted; `published` is the moment (epoch seconds) it counts as sent, None when not due."""

    id: str
    published: float | None
    expires: str | None


def insert(connection: psycopg.Connection[Any] | sqlite3.Connection, jobs: Sequence[NewJob]) -> list[Stored]:
    """Insert `jobs` with one statement. One whose id or key is known already is left out of the answer."""
    if isinstance(connection, sqlite3.Connection):
        return _insert_into_sqlite(connection, jobs)
    if len(jobs) == 1:
        return _insert_one(connection, jobs[0])
    *columns, _, search, fresh = zip(*jobs, strict=True)
    differs = tuple(column.count(column[0]) < len(jobs) for column in columns)
    unheard_of = all(fresh) and not any(columns[NewJob._fields.index("key")])
    has_keys = any(search)
    same = [column[0] for column, varies in zip(columns, differs, strict=True) if not varies]
    each = [list(column) for column, varies in zip(columns, differs, strict=True) if varies]
    keys = [_keys(jobs)] if has_keys else ()
    statement = _statement(differs, unheard_of=unheard_of, has_keys=has_keys)
    rows = prepared.run(connection, statement, [*same, *each, *keys])
    return _stored(rows)


def _insert_one(connection: psycopg.Connection[Any], job: NewJob) -> list[Stored]:
    """As `insert`, without what only many need: a caller who sends jobs one by one would feel it."""
    unheard_of, values = job.fresh and job.key is None, job[: len(TYPES)]
    if job.search:
        statement = _statement(_ALIKE, unheard_of=unheard_of, has_keys=True)
        rows = prepared.run(connection, statement, (*values, _keys([job])))
    else:
        rows = prepared.run(connection, _FRESH_ONE if unheard_of else _ONE, values)
    return [Stored(id_, sent and _seconds(sent), until and _iso(until)) for id_, sent, until in rows]


def _insert_into_sqlite(connection: sqlite3.Connection, jobs: Sequence[NewJob]) -> list[Stored]:
    document = json.dumps([job._asdict() for job in jobs], default=_moment)
    if not any(job.search for job in jobs):
        return [Stored(*row) for row in connection.execute(SQLITE.accept, (document,)).fetchall()]
    # By itself where there is no transaction, and else a part of it.
    connection.execute("SAVEPOINT accepting")
    try:
        stored = [Stored(*row) for row in connection.execute(SQLITE.accept, (document,)).fetchall()]
        new = {row.id for row in stored}
        insert_keys(connection, [job for job in jobs if job.id in new])
    except BaseException:
        connection.execute("ROLLBACK TO accepting")
        connection.execute("RELEASE accepting")
        raise
    connection.execute("RELEASE accepting")
    return stored


def insert_keys(connection: psycopg.Connection[Any] | sqlite3.Connection, jobs: Sequence[NewJob]) -> None:
    """Insert the search keys of jobs that have their rows."""
    if not any(job.search for job in jobs):
        return
    if isinstance(connection, sqlite3.Connection):
        connection.execute(SQLITE.add_keys, (_keys(jobs),))
    else:
        prepared.run(connection, POSTGRESQL.add_keys, (_keys(jobs),))


def _keys(jobs: Sequence[NewJob]) -> str:
    """The search keys by job, as JSON: in that PostgreSQL looks a job up; a join would read all for each."""
    return json.dumps({job.id: job.search for job in jobs if job.search})


@lru_cache
def _statement(differs: tuple[bool, ...], *, unheard_of: bool, has_keys: bool = False) -> str:
    """A thousand times the same value, sent and read, would cost as much as the insertion."""
    fields = list(zip(TYPES.items(), differs, strict=True))
    same = [f"%s::{kind} AS {name}" for (name, kind), varies in fields if not varies]
    sources = [f"(SELECT {', '.join(same)}) AS same"] if same else []
    each = {name: f"%s::{kind}[]" for (name, kind), varies in fields if varies}
    if each:
        sources.append(f"unnest({', '.join(each.values())}) AS each ({', '.join(each)})")
    accept = POSTGRESQL.accept.format(
        jobs=" CROSS JOIN ".join(sources),
        conflict="" if unheard_of else "ON CONFLICT DO NOTHING",
        more=", accepted_at" if has_keys else "",
    )
    return POSTGRESQL.accept_with_keys.format(accept=accept) if has_keys else accept


def _stored(rows: Sequence[Sequence[Any]]) -> list[Stored]:
    """The rows of one statement share its moment, so it is read once."""
    published = lru_cache(lambda text: text and _seconds(text))
    expires = lru_cache(lambda text: text and _iso(text))
    return [Stored(id_, published(sent), expires(until)) for id_, sent, until in rows]


def _seconds(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()


def _iso(written: str) -> str:
    return datetime.fromisoformat(written).isoformat()


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).strftime(SQLITE_TIME_FORMAT)


_ALIKE = (False,) * len(TYPES)
_FRESH_ONE, _ONE = _statement(_ALIKE, unheard_of=True), _statement(_ALIKE, unheard_of=False)

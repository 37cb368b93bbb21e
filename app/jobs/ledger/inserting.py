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


#: PostgreSQL's types of a new job's fields, in their order; `unique` and `fresh` are not stored.
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
        document = json.dumps([job._asdict() for job in jobs], default=_moment)
        return [Stored(*row) for row in connection.execute(SQLITE.accept, (document,)).fetchall()]
    if len(jobs) == 1:
        return _insert_one(connection, jobs[0])
    *columns, _, fresh = zip(*jobs, strict=True)
    differs = tuple(column.count(column[0]) < len(jobs) for column in columns)
    unheard_of = all(fresh) and not any(columns[NewJob._fields.index("key")])
    same = [column[0] for column, varies in zip(columns, differs, strict=True) if not varies]
    each = [list(column) for column, varies in zip(columns, differs, strict=True) if varies]
    rows = prepared.run(connection, _statement(differs, unheard_of=unheard_of), [*same, *each])
    return _stored(rows)


def _insert_one(connection: psycopg.Connection[Any], job: NewJob) -> list[Stored]:
    """As `insert`, without what only many need: a caller who sends jobs one by one would feel it."""
    statement = _FRESH_ONE if job.fresh and job.key is None else _ONE
    rows = prepared.run(connection, statement, job[: len(TYPES)])
    return [Stored(id_, sent and _seconds(sent), until and _iso(until)) for id_, sent, until in rows]


@lru_cache
def _statement(differs: tuple[bool, ...], *, unheard_of: bool) -> str:
    """A thousand times the same value, sent and read, would cost as much as the insertion."""
    fields = list(zip(TYPES.items(), differs, strict=True))
    same = [f"%s::{kind} AS {name}" for (name, kind), varies in fields if not varies]
    sources = [f"(SELECT {', '.join(same)}) AS same"] if same else []
    each = {name: f"%s::{kind}[]" for (name, kind), varies in fields if varies}
    if each:
        sources.append(f"unnest({', '.join(each.values())}) AS each ({', '.join(each)})")
    return POSTGRESQL.accept.format(
        jobs=" CROSS JOIN ".join(sources), conflict="" if unheard_of else "ON CONFLICT DO NOTHING"
    )


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

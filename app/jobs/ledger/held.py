"""What waits for its turn in each partition, and how many of it its limits leave room for.

Like the hot path, these few statements are written once per database and work on raw connections.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from app.jobs.ledger import prepared
from app.jobs.ledger.models import ADMITTED, HELD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.jobs.ledger.store import Connection

#: Messages that a partition may have in the broker while more of it wait: as many as began within a second,
#: and the first number at least. So another's jobs queue up behind what takes about as long, and half of it
#: lasts until somebody looks again.
WINDOW, MAX_WINDOW = 8, 800


class Bounds(NamedTuple):
    """The limits of a partition as numbers; None for what is not limited."""

    key: str
    most_running: int | None = None
    most_started: int | None = None
    window_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Statements:
    #: Keeps others from admitting jobs of the same partitions, whom it waits for or leaves theirs; only where
    #: there can be others.
    lock: str | None
    try_lock: str | None
    rooms: str
    take: str
    #: The partitions of jobs.
    keys_of: str
    #: The next partitions of which something is held, in the order of their keys.
    keys: str


#: Of the partition `asked.key`: what is on its way, and what has begun within the rate's window.
PUBLISHED = f"(SELECT count(*) FROM job WHERE partition = asked.key AND {ADMITTED} AND state = 'ready')"
STARTED = """(
    (SELECT count(*) FROM attempt
        WHERE partition = asked.key AND started_at BETWEEN {since} AND {until})
    + (SELECT count(*) FROM job
        WHERE partition = asked.key AND started_at BETWEEN {since} AND {until}
        AND NOT EXISTS (SELECT 1 FROM attempt WHERE job_id = job.id AND fence = job.fence))
    + (SELECT count(*) FROM turn
        WHERE partition = asked.key AND taken_at BETWEEN {since} AND {until})
)"""
ANY_HELD = f"EXISTS (SELECT 1 FROM job WHERE partition = asked.key AND {HELD})"
_ASKED = f"""
    SELECT key,
        -- It gets more when half of them are left, and not for each that begins.
        CASE WHEN 2 * published > window_size THEN 0 ELSE window_size - published END AS window_room,
        coalesce(most_running - admitted, {MAX_WINDOW}) AS running_room,
        coalesce(most_started - started - published, {MAX_WINDOW}) AS started_room
    FROM (
        SELECT key, most_running, most_started,
            (SELECT {{greatest}}({WINDOW}, {{least}}({MAX_WINDOW}, count(*))) FROM job
                WHERE partition = asked.key AND started_at > {{just_now}}) AS window_size,
            {PUBLISHED} AS published,
            CASE WHEN most_running IS NULL THEN 0 ELSE
                (SELECT count(*) FROM job WHERE partition = asked.key AND {ADMITTED})
            END AS admitted,
            CASE WHEN most_started IS NULL THEN 0 ELSE {STARTED} END AS started
        FROM {{asked}}
        WHERE {ANY_HELD}
    ) AS counted
"""
_KEYS = f"""
    WITH RECURSIVE found (key) AS (
        SELECT min(partition) FROM job WHERE {HELD} AND partition > {{after}}
        UNION ALL
        SELECT (SELECT min(partition) FROM job WHERE {HELD} AND partition > found.key)
        FROM found WHERE found.key IS NOT NULL
    )
    SELECT key FROM found WHERE key IS NOT NULL LIMIT {{limit}}
"""
_WAITING = f"partition = {{key}} AND {HELD} ORDER BY priority, accepted_at LIMIT {{room}}"

# The time at which the statement begins, which comes after that of the lock: an index goes to it.
# A start lies in the future only where somebody set the clock back; it then counts for a window, and no more.
POSTGRESQL_WINDOW = {
    "since": "statement_timestamp() - make_interval(secs => window_seconds)",
    "until": "statement_timestamp() + make_interval(secs => window_seconds)",
}
_MOMENT = "strftime('%Y-%m-%d %H:%M:%f000', 'now', printf('{}%.3f seconds', window_seconds))"
SQLITE_WINDOW = {"since": _MOMENT.format("-"), "until": _MOMENT.format("+")}
_POSTGRESQL = _Statements(
    lock="""
        SELECT key, pg_advisory_xact_lock(hashtextextended(key, 0)),
            set_config('synchronous_commit', 'off', true)
        FROM (SELECT unnest(%s::text[]) AS key ORDER BY 1) AS asked
    """,
    try_lock="""
        SELECT key FROM (
            SELECT key, pg_try_advisory_xact_lock(hashtextextended(key, 0)) AS locked,
                set_config('synchronous_commit', 'off', true)
            FROM unnest(%s::text[]) AS asked (key)
        ) AS tried WHERE locked
    """,
    rooms="SELECT key, least(window_room, running_room, started_room) FROM ("
    + _ASKED.format(
        asked="unnest(%s::text[], %s::int[], %s::int[], %s::float8[]) "
        "AS asked (key, most_running, most_started, window_seconds)",
        **POSTGRESQL_WINDOW,
        just_now="statement_timestamp() - interval '1 s'",
        greatest="greatest",
        least="least",
    )
    + ") AS room WHERE least(window_room, running_room, started_room) > 0",
    take="SELECT held.id FROM unnest(%s::text[], %s::int[]) AS asked (key, room) CROSS JOIN LATERAL "
    f"(SELECT id FROM job WHERE {_WAITING.format(key='asked.key', room='asked.room')} "
    "FOR NO KEY UPDATE SKIP LOCKED) AS held",
    keys_of="SELECT DISTINCT partition FROM job WHERE id = ANY(%s::text[]) AND partition IS NOT NULL",
    keys=_KEYS.format(after="%s::text", limit="%s::int"),
)
_SQLITE = _Statements(
    lock=None,
    try_lock=None,
    rooms="SELECT key, min(window_room, running_room, started_room) FROM ("
    + _ASKED.format(
        asked="(SELECT value ->> 0 AS key, value ->> 1 AS most_running, value ->> 2 AS most_started, "
        "value ->> 3 AS window_seconds FROM json_each(?)) AS asked",
        **SQLITE_WINDOW,
        just_now="strftime('%Y-%m-%d %H:%M:%f000', 'now', '-1 second')",
        greatest="max",
        least="min",
    )
    + ") AS room WHERE min(window_room, running_room, started_room) > 0",
    take=f"SELECT id FROM job WHERE {_WAITING.format(key='?', room='?')}",
    keys_of="SELECT DISTINCT partition FROM job WHERE id IN (SELECT value FROM json_each(?)) "
    "AND partition IS NOT NULL",
    keys=_KEYS.format(after="?", limit="?"),
)


def lock(connection: Connection, bounds: Sequence[Bounds], *, wait: bool) -> list[Bounds]:
    """Keep others from admitting jobs of these partitions until the end of the transaction.

    Where they are at it right now, it waits for them, or else leaves the partition out of the answer.
    """
    if isinstance(connection, sqlite3.Connection):
        return list(bounds)
    statement = _POSTGRESQL.lock if wait else _POSTGRESQL.try_lock
    assert statement is not None  # noqa: S101 (narrows the type)
    locked = {row[0] for row in prepared.run(connection, statement, [[each.key for each in bounds]])}
    return [each for each in bounds if each.key in locked]


def rooms(connection: Connection, bounds: Sequence[Bounds]) -> dict[str, int]:
    """How many held jobs may go to the broker now, by the keys of those partitions where that is any."""
    if isinstance(connection, sqlite3.Connection):
        rows = connection.execute(_SQLITE.rooms, (json.dumps(bounds),)).fetchall()
    else:
        columns = [list(column) for column in zip(*bounds, strict=True)]
        rows = prepared.run(connection, _POSTGRESQL.rooms, columns)
    return {key: int(room) for key, room in rows}


def take(connection: Connection, room: Mapping[str, int]) -> list[str]:
    """The ids of the jobs that are next in each partition, as many as there is room for."""
    if isinstance(connection, sqlite3.Connection):
        found = (connection.execute(_SQLITE.take, asked).fetchall() for asked in room.items())
        rows: Sequence[tuple[Any, ...]] = list(chain.from_iterable(found))
    else:
        rows = prepared.run(connection, _POSTGRESQL.take, [list(room), list(room.values())])
    return [row[0] for row in rows]


def keys_of(connection: Connection, job_ids: Sequence[str]) -> list[str]:
    """The partitions of these jobs."""
    if isinstance(connection, sqlite3.Connection):
        rows = connection.execute(_SQLITE.keys_of, (json.dumps(list(job_ids)),)).fetchall()
    else:
        rows = prepared.run(connection, _POSTGRESQL.keys_of, [list(job_ids)])
    return [row[0] for row in rows]


def keys(connection: Connection, *, after: str, limit: int) -> list[str]:
    """Up to `limit` partitions with held jobs, whose keys come after that one."""
    if isinstance(connection, sqlite3.Connection):
        rows = connection.execute(_SQLITE.keys, (after, limit)).fetchall()
    else:
        rows = prepared.run(connection, _POSTGRESQL.keys, [after, limit])
    return [row[0] for row in rows]

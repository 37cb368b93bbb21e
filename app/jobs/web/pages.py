"""Pages of all jobs, the newest first, which are looked at again and again: read at once and written once.

What is not as this release writes it is left to `app.jobs.listing`, which shows it as far as it can be read.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from app.db.columns import SQLITE_TIME_FORMAT
from app.jobs import listing
from app.jobs.ledger import prepared
from app.jobs.ledger.models import State
from app.jobs.views import JobRow, priority_name
from app.jobs.web import permissions
from app.values.typed_json import from_json, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.jobs.ledger.store import Connection
    from app.jobs.web.schemas import ListQuery
    from app.tokens.callers import Caller

_COLUMNS = tuple(JobRow.model_fields)
_MOMENTS = ("accepted_at", "run_at", "started_at", "finished_at", "expires_at")
_STATES = frozenset(State)
_NAME_OF = lru_cache(priority_name)
_FROM = f"SELECT {', '.join(_COLUMNS)} FROM job"  # noqa: S608 (names of ours)
_NEWEST = "ORDER BY accepted_at DESC, id DESC LIMIT %s"
#: The first page, and one that comes after a job.
_FIRST = f"{_FROM} {_NEWEST}"
_AFTER = f"{_FROM} WHERE (accepted_at, id) < (%s, %s) {_NEWEST}"


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page, as `Readers` look at it: for all who see the same of it, it is the same."""

    limit: int
    cursor: str | None
    caller: Caller

    def __call__(self, connection: Connection) -> bytes | None:
        """The document; None if something in it has to be looked at more closely."""
        return _document(connection, self)


def is_plain(query: ListQuery) -> bool:
    """Whether nothing narrows what is listed."""
    return query.model_fields_set <= {"limit", "cursor"}


def _document(connection: Connection, page: Page) -> bytes | None:
    after = listing.read_cursor(page.cursor) if page.cursor is not None else None
    rows = _rows(connection, limit=page.limit + 1, after=after)
    try:
        jobs = [_job(row, caller=page.caller) for row in rows[: page.limit]]
        last = jobs[-1] if len(rows) > page.limit else None
        following = last and listing.cursor_at(accepted_at=last["accepted_at"], job_id=last["id"])
        return to_json({"jobs": jobs, "next": following})
    except (TypeError, ValueError):
        return None


def _rows(
    connection: Connection, *, limit: int, after: tuple[datetime, str] | None
) -> Sequence[Sequence[Any]]:
    statement = _AFTER if after else _FIRST
    values = (*(after or ()), limit)
    if not isinstance(connection, sqlite3.Connection):
        return prepared.run(connection, statement, values)
    if after:
        values = (after[0].strftime(SQLITE_TIME_FORMAT), after[1], limit)
    return connection.execute(statement.replace("%s", "?"), values).fetchall()


def _job(row: Sequence[Any], *, caller: Caller) -> dict[str, Any]:
    job = dict(zip(_COLUMNS, row, strict=True))
    if job["state"] not in _STATES:
        raise ValueError(job["state"])
    job["priority"] = _NAME_OF(job["priority"])
    for name in _MOMENTS:
        if job[name] is not None:
            job[name] = _moment(job[name])
    if job["progress"] is not None:
        progress = from_json(job["progress"])
        if not isinstance(progress, dict):
            raise TypeError(progress)
        job["progress"] = shown(progress)
    if job["error"]:
        job["error"] = shown(job["error"])
    return job | {"hidden_without": None} | permissions.hidden(job["task"], job["error"], caller=caller)


def _moment(written: str) -> datetime:
    found = datetime.fromisoformat(written)
    return found if found.tzinfo else found.replace(tzinfo=UTC)

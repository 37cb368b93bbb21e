"""Listing jobs: filters, and pages that stay right while jobs come and go."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, literal, select, tuple_, union_all

from app.db.columns import UtcDateTime
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.names import is_name
from app.jobs.ledger.states import in_state
from app.jobs.views import JobRow
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.jobs.views import JobFilter

_SUMMARY = [getattr(Job, name) for name in JobRow.model_fields]


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some jobs, and the cursor of the next ones."""

    jobs: Sequence[Row[Any]]
    next: str | None


def list_jobs(
    session: Session,
    *,
    filters: JobFilter,
    states: Sequence[State] = (),
    within: Collection[str] | None = None,
    limit: int,
    cursor: str | None,
) -> Page:
    """One page of jobs, the newest first; of tasks `within` only."""
    query = select(*_SUMMARY).order_by(Job.accepted_at.desc(), Job.id.desc()).limit(limit + 1)
    if within is not None:
        query = query.where(Job.task.in_(within))
    if cursor is not None:
        query = query.where(tuple_(Job.accepted_at, Job.id) < _position(cursor))
    # Each state has an index in which its newest jobs stand, whatever there is of others.
    branches = [query.where(*conditions(filters, states=some)) for some in _apart(filters, states)]
    rows = session.execute(branches[0] if len(branches) == 1 else _newest(branches, limit=limit + 1)).all()
    following = cursor_of(rows[limit - 1]) if len(rows) > limit else None
    return Page(jobs=rows[:limit], next=following)


def _apart(filters: JobFilter, states: Sequence[State]) -> list[list[State]]:
    """The states to look in one by one; one that is empty stands for all of them together."""
    is_narrow = any(value is not None for value in (filters.task, filters.queue, filters.error))
    wanted = states or (State if is_narrow else ())
    if filters.error is not None and State.DONE in wanted and len(wanted) > 1:
        wanted = [state for state in wanted if state is not State.DONE]  # none of them has an error
    return [[state] for state in wanted] or [[]]


def _newest(branches: Sequence[Select[Any]], *, limit: int) -> Select[Any]:
    found = union_all(*(select(branch.subquery()) for branch in branches)).subquery()
    return select(found).order_by(found.c.accepted_at.desc(), found.c.id.desc()).limit(limit)


def conditions(filters: JobFilter, *, states: Sequence[State] = ()) -> list[ColumnElement[bool]]:
    """The conditions of a filter."""
    found: list[ColumnElement[bool]] = []
    if states:
        found.append(in_state(*states))
    if filters.task is not None:
        found.append(Job.task == filters.task)
    if filters.queue is not None:
        found.append(Job.queue == filters.queue)
    if filters.accepted_after is not None:
        found.append(Job.accepted_at >= filters.accepted_after)
    if filters.accepted_before is not None:
        found.append(Job.accepted_at < filters.accepted_before)
    if filters.error is not None:
        found.append(Job.error.icontains(filters.error, autoescape=True))
    return found


def cursor_of(row: Row[Any]) -> str:
    """Where the jobs after `row` begin, as an opaque text."""
    return cursor_at(accepted_at=row.accepted_at, job_id=row.id)


def cursor_at(*, accepted_at: datetime, job_id: str) -> str:
    """As `cursor_of`, of a row with this time and id."""
    return base64.urlsafe_b64encode(f"{accepted_at.isoformat()}|{job_id}".encode()).decode()


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """The time and the id that a cursor stands for. Raises `InvalidFields` for one that is not ours."""
    try:
        moment, separator, job_id = base64.urlsafe_b64decode(cursor).decode().partition("|")
        accepted_at = datetime.fromisoformat(moment).astimezone(UTC)
        if not separator or not is_name(job_id):
            raise ValueError(cursor)
    except (binascii.Error, ValueError, OverflowError):
        detail = "The cursor is not one this API gave; take `next` of the previous page, or leave it out"
        raise InvalidFields([FieldError(detail=detail, parameter="cursor")]) from None
    return accepted_at, job_id


def _position(cursor: str) -> ColumnElement[Any]:
    accepted_at, job_id = read_cursor(cursor)
    return tuple_(literal(accepted_at, UtcDateTime()), literal(job_id))

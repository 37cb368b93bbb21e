"""Listing jobs: filters, and pages that stay right while jobs come and go."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, func, literal, select, tuple_, union_all

from app.db.columns import UtcDateTime
from app.jobs.declaration import search
from app.jobs.ledger.models import Job, JobSearchKey, State
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
    """Some jobs, and the cursors of the ones after and before them."""

    jobs: Sequence[Row[Any]]
    next: str | None
    #: None where the page is the first one, as far as is known.
    previous: str | None


def list_jobs(
    session: Session,
    *,
    filters: JobFilter,
    states: Sequence[State] = (),
    within: Collection[str] | None = None,
    limit: int,
    cursor: str | None,
    backwards: bool = False,
) -> Page:
    """One page of jobs, the newest first; of tasks `within` only.

    It begins after the job of `cursor`, or ends before it if it is looked for `backwards`.
    """
    query, place = select(*_SUMMARY).limit(limit + 1), [Job.accepted_at, Job.id]
    if filters.key is not None:
        # By the index of keys, which has the newest with a key in their order, however many others there are.
        query = query.join(JobSearchKey, JobSearchKey.job_id == Job.id).where(_has_key(filters.key))
        place = [JobSearchKey.accepted_at, JobSearchKey.job_id]
    if within is not None:
        query = query.where(Job.task.in_(within))
    if cursor is not None:
        here, position = tuple_(*place), _position(cursor)
        query = query.where(here > position if backwards else here < position)
    query = query.order_by(*_order(place, backwards=backwards))
    # Each state has an index in which its newest jobs stand, whatever there is of others.
    branches = [query.where(*_of_rows(filters, states=some)) for some in _apart(filters, states)]
    rows = session.execute(_nearest(branches, limit=limit + 1, backwards=backwards)).all()
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows = rows[::-1]
    first, last = (cursor_of(rows[0]), cursor_of(rows[-1])) if rows else (None, None)
    return Page(
        jobs=rows,
        next=last if more or backwards else None,
        previous=first if (more if backwards else cursor) else None,
    )


def count_jobs(session: Session, *, filters: JobFilter, states: Sequence[State] = (), most: int) -> int:
    """How many jobs `filters` fit, counted to one more than `most`."""
    found = select(literal(1).label("one")).select_from(Job).limit(most + 1)
    branches = [found.where(*conditions(filters, states=some)) for some in _apart(filters, states)]
    together = union_all(*(select(branch.subquery()) for branch in branches)).limit(most + 1)
    return session.scalars(select(func.count()).select_from(together.subquery())).one()


def _apart(filters: JobFilter, states: Sequence[State]) -> list[list[State]]:
    """The states to look in one by one; one that is empty stands for all of them together."""
    if filters.key is not None:
        return [list(states)]
    is_narrow = any(value is not None for value in (filters.task, filters.queue, filters.error))
    wanted = states or (State if is_narrow else ())
    if filters.error is not None and State.DONE in wanted and len(wanted) > 1:
        wanted = [state for state in wanted if state is not State.DONE]  # none of them has an error
    return [[state] for state in wanted] or [[]]


def _nearest(branches: Sequence[Select[Any]], *, limit: int, backwards: bool) -> Select[Any]:
    if len(branches) == 1:
        return branches[0]
    found = union_all(*(select(branch.subquery()) for branch in branches)).subquery()
    place = (found.c.accepted_at, found.c.id)
    return select(found).order_by(*_order(place, backwards=backwards)).limit(limit)


def _order(place: Sequence[Any], *, backwards: bool) -> list[ColumnElement[Any]]:
    return [column.asc() if backwards else column.desc() for column in place]


def conditions(filters: JobFilter, *, states: Sequence[State] = ()) -> list[ColumnElement[bool]]:
    """The conditions of a filter."""
    found = _of_rows(filters, states=states)
    if filters.key is not None:
        found.append(Job.id.in_(select(JobSearchKey.job_id).where(_has_key(filters.key))))
    return found


def _has_key(written: str) -> ColumnElement[bool]:
    asked = search.read(written)
    return (JobSearchKey.name == asked.name) & JobSearchKey.value.in_(asked.hashes)


def _of_rows(filters: JobFilter, *, states: Sequence[State]) -> list[ColumnElement[bool]]:
    """The conditions that a job's own row fulfils."""
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

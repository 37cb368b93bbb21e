"""The ledger's notes on what was sent to the broker, and what messages are made of."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import JSON, Text, cast, update

from app.db import outages
from app.db.clock import clock
from app.db.sessions import transaction
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.states import NOT_HELD, is_still
from app.jobs.publish.message import Dispatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)

#: How long a job whose task a worker does not know is left before it is offered again.
UNKNOWN_TASK_PAUSE = timedelta(seconds=30)
#: The fields of a message that are columns of its job.
_FROM_ROW = tuple(name for name in Dispatch._fields if name not in {"expires", "published"})


def mark_unpublished(ids: Sequence[str]) -> None:
    """Note that ready jobs are not in the broker, so that beat sends them at its next tick.

    When even this cannot be written, beat still finds them missing after `lost_after_seconds`.
    """
    try:
        with transaction() as session:
            session.execute(
                update(Job).where(Job.id.in_(ids), is_still(State.READY)).values(published_at=None)
            )
    except outages.ERRORS as error:
        # Whoever called has committed; nothing that is wrong here may look like a failure of that.
        log.warning("unpublished_not_marked", jobs=len(ids), error=str(error).strip())


def offer_later(job_id: str) -> None:
    """Let beat miss a job's message only after a while: this worker cannot run it, another may."""
    later = clock(UNKNOWN_TASK_PAUSE.total_seconds())
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id, is_still(State.READY)).values(published_at=later))


def mark_published(session: Session, *, ids: Sequence[str]) -> list[Dispatch]:
    """Note that ready jobs go to the broker now, and make their messages' contents; those held stay so."""
    return _mark(session, Job.id.in_(ids) & NOT_HELD) if ids else []


def mark_admitted(session: Session, *, ids: Sequence[str]) -> list[Dispatch]:
    """As `mark_published`, for jobs that were held until now."""
    return _mark(session, Job.id.in_(ids) & Job.published_at.is_(None)) if ids else []


def _mark(session: Session, chosen: ColumnElement[bool]) -> list[Dispatch]:
    rows = session.execute(
        update(Job)
        .where(chosen, is_still(State.READY))
        .values(published_at=clock())
        .returning(*map(_column, _FROM_ROW), Job.expires_at, Job.published_at)
    ).all()
    return [_dispatch(row) for row in rows]


def _column(name: str) -> ColumnElement[Any]:
    """The job's column of that name; JSON as its text."""
    column = Job.__table__.c[name]
    return cast(column, Text).label(name) if isinstance(column.type, JSON) else column


def _dispatch(row: Row[*tuple[Any, ...]]) -> Dispatch:
    *fields, expires_at, published_at = row
    return Dispatch._make((*fields, expires_at and expires_at.isoformat(), published_at.timestamp()))

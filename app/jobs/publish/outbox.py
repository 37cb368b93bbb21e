"""What a transaction has to publish after its commit, and the ledger's notes on what was published."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from sqlalchemy import JSON, Text, cast, event, update
from sqlalchemy.orm import Session

from app.db import outages
from app.db.clock import clock
from app.db.sessions import transaction
from app.jobs.ledger.models import Job, State
from app.jobs.publish.message import Dispatch
from app.jobs.publish.publisher import publish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import SessionTransaction

log = structlog.get_logger(__name__)

#: How long a job whose task a worker does not know is left before it is offered again.
UNKNOWN_TASK_PAUSE = timedelta(seconds=30)
_PENDING = "groundwork_pending"
#: The fields of a message that are columns of its job.
_FROM_ROW = tuple(name for name in Dispatch._fields if name not in {"expires", "published"})


class _Pending(NamedTuple):
    dispatches: Sequence[Dispatch]
    savepoint: SessionTransaction | None


def publish_after_commit(session: Session, job_ids: Sequence[str]) -> None:
    """Publish jobs that the session has made ready itself, once it is committed."""
    session.flush()
    publish_later(session, mark_published(session, ids=job_ids))


def publish_later(session: Session, dispatches: Sequence[Dispatch]) -> None:
    """Publish `dispatches` once the session is committed; a rollback forgets them."""
    pending: list[_Pending] = session.info.setdefault(_PENDING, [])
    pending.append(_Pending(dispatches=dispatches, savepoint=session.get_nested_transaction()))


@event.listens_for(Session, "after_commit")
def _publish_committed(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint was released; the rows are not there for others before the outer commit
    pending: list[_Pending] = session.info.pop(_PENDING, [])
    if not pending:
        return
    publish_now([dispatch for item in pending for dispatch in item.dispatches])


def publish_now(dispatches: Sequence[Dispatch]) -> None:
    """Publish what is committed, and note what the broker did not take."""
    unsent = publish(dispatches)
    if unsent:
        mark_unpublished(unsent)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, ended: SessionTransaction) -> None:
    pending: list[_Pending] = session.info.get(_PENDING, [])
    if ended.nested:
        session.info[_PENDING] = [item for item in pending if not _is_inside(item.savepoint, ended)]
    else:
        session.info.pop(_PENDING, None)


def _is_inside(savepoint: SessionTransaction | None, ended: SessionTransaction) -> bool:
    while savepoint is not None:
        if savepoint is ended:
            return True
        savepoint = savepoint.parent
    return False


def mark_unpublished(ids: Sequence[str]) -> None:
    """Note that ready jobs are not in the broker, so that beat sends them at its next tick.

    When even this cannot be written, beat still finds them missing after `lost_after_seconds`.
    """
    try:
        with transaction() as session:
            session.execute(
                update(Job).where(Job.id.in_(ids), Job.state == State.READY).values(published_at=None)
            )
    except outages.ERRORS as error:
        # Whoever called has committed; nothing that is wrong here may look like a failure of that.
        log.warning("unpublished_not_marked", jobs=len(ids), error=str(error).strip())


def offer_later(job_id: str) -> None:
    """Let beat miss a job's message only after a while: this worker cannot run it, another may."""
    later = clock(UNKNOWN_TASK_PAUSE.total_seconds())
    with transaction() as session:
        session.execute(
            update(Job).where(Job.id == job_id, Job.state == State.READY).values(published_at=later)
        )


def mark_published(session: Session, *, ids: Sequence[str]) -> list[Dispatch]:
    """Note that ready jobs go to the broker now, and make their messages' contents."""
    if not ids:
        return []
    rows = session.execute(
        update(Job)
        .where(Job.id.in_(ids), Job.state == State.READY)
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

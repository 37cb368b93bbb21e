"""What a transaction has to publish after its commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import structlog
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.jobs.ledger import held, store
from app.jobs.publish.admission import admit_now
from app.jobs.publish.publisher import publish
from app.jobs.publish.sent import mark_published, mark_unpublished

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.orm import SessionTransaction

    from app.jobs.publish.message import Dispatch

log = structlog.get_logger(__name__)

_PENDING = "groundwork_pending"


class _Pending(NamedTuple):
    dispatches: Sequence[Dispatch]
    #: Partitions that may have room for some of what is held.
    partitions: Collection[str]
    savepoint: SessionTransaction | None


def publish_after_commit(session: Session, job_ids: Sequence[str]) -> None:
    """Publish jobs that the session has made ready itself, once it is committed."""
    session.flush()
    dispatches = mark_published(session, ids=job_ids)
    held_back = set(job_ids) - {dispatch.id for dispatch in dispatches}
    partitions = held.keys_of(store.under(session), sorted(held_back)) if held_back else []
    publish_later(session, dispatches, partitions=partitions)


def publish_later(
    session: Session, dispatches: Sequence[Dispatch], *, partitions: Collection[str] = ()
) -> None:
    """Publish `dispatches`, and what `partitions` have room for, once the session is committed.

    A rollback forgets them.
    """
    pending: list[_Pending] = session.info.setdefault(_PENDING, [])
    pending.append(_Pending(dispatches, partitions, session.get_nested_transaction()))


@event.listens_for(Session, "after_commit")
def _publish_committed(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint was released; the rows are not there for others before the outer commit
    pending: list[_Pending] = session.info.pop(_PENDING, [])
    if not pending:
        return
    dispatches = [dispatch for item in pending for dispatch in item.dispatches]
    if dispatches:
        publish_now(dispatches)
    admit_now({key for item in pending for key in item.partitions})


def publish_now(dispatches: Sequence[Dispatch]) -> None:
    """Publish what is committed, and note what the broker did not take."""
    try:
        unsent = publish(dispatches)
    except Exception:
        # One of them makes no message. Beat finds out which, and whoever committed them is not to blame.
        log.exception("messages_not_made", jobs=len(dispatches))
        unsent = [dispatch.id for dispatch in dispatches]
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

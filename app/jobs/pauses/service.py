"""Pauses queues and resumes them; the rows are the one home of which are. Nothing here commits.

A pause whose time is over is none, and its row stays until the queue is paused or resumed again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import ScalarSelect, delete, func, select

from app.db.clock import clock
from app.db.clock import now as db_now
from app.db.upsert import insert_or_update
from app.jobs.pauses.errors import (
    BadPauseReason,
    NoSuchQueue,
    PauseChanged,
    PauseEndsBadly,
    QueueNeverPaused,
)
from app.jobs.pauses.models import QueuePause
from app.topology import Queue
from app.values.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)

#: Checks, alerts and what clears up run in it: a service that is not looked after fails unseen.
NEVER_PAUSED = frozenset({Queue.MAINTENANCE})
LONGEST = timedelta(days=366)
MAX_REASON, MAX_NAME = 500, 320
#: Whether a row still holds.
HOLDS = QueuePause.until.is_(None) | (QueuePause.until > clock())
#: The names of the paused queues.
PAUSED = select(QueuePause.queue).where(HOLDS)
_SEPARATOR = ","


def pause(session: Session, name: str, *, reason: str, by: str, until: datetime | None = None) -> bool:
    """Have no job of a queue begin; once more changes why, by whom and until when, and not since when.

    The answer is whether that is new: not where it is paused until that very time for that reason.
    Raises `NoSuchQueue`, `QueueNeverPaused`, `PauseEndsBadly` or `BadPauseReason`.
    """
    queue = queue_named(name)
    if queue in NEVER_PAUSED:
        raise QueueNeverPaused(name=queue.value)
    now, kept = db_now(session), _checked(reason)
    if until is not None and not now < until <= now + LONGEST:
        raise PauseEndsBadly(until=until, longest=LONGEST)
    _delete(session, queue, ~HOLDS)
    said = {"until": until, "reason": kept, "paused_by": by[:MAX_NAME]}
    statement = insert_or_update(session, QueuePause).values(queue=queue.value, since=now, **said)
    changed = statement.on_conflict_do_update(
        index_elements=[QueuePause.queue],
        set_=said,
        where=QueuePause.until.is_distinct_from(until) | (QueuePause.reason != kept),
    ).returning(QueuePause.queue)
    is_new = session.execute(changed).scalar() is not None
    if is_new:
        log.info("queue_paused", queue=queue.value, until=until and until.isoformat(), reason=kept, by=by)
    return is_new


def resume(session: Session, name: str, *, by: str, since: datetime | None = None) -> bool:
    """Have the jobs of a queue begin again; whether it was paused.

    Raises `NoSuchQueue`, and `PauseChanged` where it is paused, and not since `since`, if that is given.
    """
    queue = queue_named(name)
    found = find(session, queue.value)
    if found is not None and since is not None and found.since != since:
        raise PauseChanged(name=queue.value)
    _delete(session, queue, ~HOLDS)
    was_paused = _delete(session, queue, HOLDS)
    if was_paused:
        log.info("queue_resumed", queue=queue.value, by=by)
    return was_paused


def find(session: Session, name: str) -> QueuePause | None:
    """How a queue is paused; None for one that is not."""
    held = select(QueuePause).where(QueuePause.queue == name, HOLDS)
    return session.scalars(held.execution_options(populate_existing=True)).one_or_none()


def paused(session: Session) -> Sequence[QueuePause]:
    """How queues are paused, the oldest pause first."""
    return session.scalars(select(QueuePause).where(HOLDS).order_by(QueuePause.since)).all()


def names_in_one() -> ScalarSelect[str]:
    """The names of the paused queues as one value, for another statement to bring along; see `names_of`."""
    joined = func.aggregate_strings(QueuePause.queue, _SEPARATOR)
    return select(joined).where(HOLDS).scalar_subquery()


def names_of(value: str | None) -> frozenset[str]:
    """What `names_in_one` has found."""
    return frozenset(value.split(_SEPARATOR)) if value else frozenset()


def queue_named(name: str) -> Queue:
    """The queue of that name. Raises `NoSuchQueue`."""
    try:
        return Queue(name)
    except ValueError:
        raise NoSuchQueue(name=name, known=[queue.value for queue in Queue]) from None


def _delete(session: Session, queue: Queue, condition: ColumnElement[bool]) -> bool:
    gone = delete(QueuePause).where(QueuePause.queue == queue.value, condition).returning(QueuePause.queue)
    return session.execute(gone.execution_options(synchronize_session=False)).scalar() is not None


def _checked(reason: str) -> str:
    if len(reason) > MAX_REASON:
        raise BadPauseReason(problem=f"{len(reason):,} characters are too many: it may have {MAX_REASON}")
    try:
        return one_line(reason.strip())
    except ValueError as error:
        raise BadPauseReason(problem=str(error)) from None

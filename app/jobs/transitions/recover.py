"""Recovery: what is due becomes ready, what is ready reaches the broker, what was lost is found.

Every step may run in two processes at once or be cut off anywhere without harm; beat's leader runs them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import exists, select, update

from app.db.clock import clock
from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.jobs.broker.current import broker
from app.jobs.broker.lists import list_of
from app.jobs.ledger.encoding import sentence
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.states import in_state
from app.jobs.publish import publisher, sent
from app.jobs.publish.headers import PUBLISHED_HEADER
from app.jobs.publish.reachability import looking
from app.jobs.transitions import dependents, lost_workers, unreadable
from app.jobs.transitions.in_broker import jobs_of, oldest_by_count
from app.settings.config import settings
from app.topology import Priority, Queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Select

    from app.jobs.broker.port import Held
    from app.jobs.publish.message import Dispatch

log = structlog.get_logger(__name__)

BATCH = 1000
#: Known not to be in the broker. What is held of a partition is left to `app.jobs.publish.admission`.
WAITING = Job.published_at.is_(None) & Job.partition.is_(None)


@dataclass(frozen=True, kw_only=True)
class BrokerList:
    """One list of the broker: a queue's messages of one priority step."""

    queue: Queue
    step: Priority
    length: int
    #: When its oldest message was published (epoch seconds); None when that is not known.
    oldest: float | None

    @property
    def room(self) -> int:
        """How many more messages it may hold."""
        return max(settings().queue_depth_limit - self.length, 0)

    @property
    def jobs(self) -> ColumnElement[bool]:
        """The ready jobs whose messages belong here."""
        return jobs_of(self.queue, self.step)


def promote_due() -> int:
    """Make scheduled jobs ready whose time has come; `publish_waiting` then sends them."""
    due = select(Job.id).where(Job.state == State.SCHEDULED, Job.run_at <= clock())
    due = due.order_by(Job.run_at).limit(BATCH).with_for_update(skip_locked=True, key_share=True)
    if not _any(Job.state == State.SCHEDULED, Job.run_at <= clock()):
        return 0
    total = 0
    while True:
        with transaction() as session:
            ids = session.scalars(due).all()
            session.execute(
                update(Job).where(Job.id.in_(ids)).values(state=State.READY.value, published_at=None)
            )
        total += len(ids)
        if len(ids) < BATCH:
            return total


def _any(*conditions: ColumnElement[bool]) -> bool:
    """Whether there is such a job. Mostly there is none, and a look does not take SQLite's one writer."""
    with reading() as session:
        return bool(session.scalar(select(exists().where(*conditions))))


def broker_lists(queues: Iterable[Queue] = Queue) -> list[BrokerList] | None:
    """What the broker holds of these queues; None when it does not answer."""
    pairs = [(queue, step) for queue in queues for step in Priority]
    try:
        found = broker().look([list_of(queue=queue.value, priority=step.value) for queue, step in pairs])
    except broker().failures as error:
        looking.failed(error)
        return None
    looking.answered()
    return [
        BrokerList(queue=queue, step=step, length=held.length, oldest=_oldest_of(queue, step, held))
        for (queue, step), held in zip(pairs, found, strict=True)
    ]


def _oldest_of(queue: Queue, step: Priority, held: Held) -> float | None:
    return oldest_by_count(queue, step, held.length) if held.tail is None else _oldest(held.tail)


def _oldest(tail: Sequence[bytes]) -> float | None:
    return min((time for raw in tail if (time := _published(raw)) is not None), default=None)


def _published(raw: bytes) -> float | None:
    """When a message says it was sent; None for a non-durable task's, one not of ours, and for garbage."""
    try:
        time = json.loads(raw)["headers"][PUBLISHED_HEADER]
        return datetime.fromtimestamp(time, tz=UTC).timestamp() if isinstance(time, float) else None
    except (ArithmeticError, LookupError, OSError, RecursionError, TypeError, ValueError):
        return None


def is_any_ready() -> bool:
    """Whether any job should be in the broker, or on its way there."""
    return _any(in_state(State.READY))


def publish_waiting(lists: Sequence[BrokerList]) -> int:
    """Send ready jobs that are known not to be in the broker, as far as the queues have room."""
    if not _any(in_state(State.READY), WAITING):
        return 0
    return _publish_all([(found, found.jobs & WAITING) for found in lists if found.room])


def republish_lost(lists: Sequence[BrokerList]) -> int:
    """Send again what should be in the broker and is not.

    A queue is first in, first out, so a ready job published before the queue's oldest message is not in
    it any more. A job is given `lost_after_seconds` for the way to the broker and from it to a claim.
    A message that a worker put back may be older than its neighbours and hide nothing or cause a
    duplicate, which a claim refuses.
    """
    if not is_any_ready():
        return 0
    patience, lost = timedelta(seconds=settings().lost_after_seconds), []
    with reading() as session:
        now = db_now(session)
    for found in lists:
        if found.room and (found.oldest is not None or not found.length):
            newest = now if found.oldest is None else min(now, datetime.fromtimestamp(found.oldest, tz=UTC))
            lost.append((found, found.jobs & (Job.published_at < newest - patience)))
    total = _publish_all(lost)
    if total:
        log.warning("lost_messages_republished", jobs=total)
    return total


def _publish_all(chosen: Sequence[tuple[BrokerList, ColumnElement[bool]]]) -> int:
    """Send, into each list, the jobs that its condition chooses."""
    if not chosen:
        return 0
    # All in one statement: of most lists there is none.
    looks = (
        exists().where(condition).label(f"list_{number}") for number, (_, condition) in enumerate(chosen)
    )
    with reading() as session:
        is_any = session.execute(select(*looks)).one()
    return sum(_publish_where(*one) for one, any_ in zip(chosen, is_any, strict=True) if any_)


def _publish_where(found: BrokerList, condition: ColumnElement[bool]) -> int:
    room, total = found.room, 0
    while room > 0:
        # The most urgent first, as an index has them; by time alone, all that wait would have to be sorted.
        wanted = (
            select(Job.id).where(condition).order_by(Job.priority, Job.accepted_at).limit(min(BATCH, room))
        )
        ids, unsent = _send(wanted)
        if unsent:
            sent.mark_unpublished(unsent)
            return total + len(ids) - len(unsent)
        total, room = total + len(ids), room - len(ids)
        if len(ids) < BATCH:
            break
    return total


def _send(wanted: Select[str]) -> tuple[Sequence[str], list[str]]:
    """Send the jobs that `wanted` selects; which they were, and which of them the broker did not take."""
    with transaction() as session:
        ids = session.scalars(wanted.with_for_update(skip_locked=True, key_share=True)).all()
        dispatches = sent.mark_published(session, ids=ids)
    try:
        return ids, publisher.publish(dispatches, patient=True)
    except Exception:
        log.exception("messages_not_made", jobs=len(ids))
        # One by one, so that the one that stands in the way keeps no other waiting.
        return ids, [job_id for one in dispatches for job_id in _send_alone(one)]


def _send_alone(dispatch: Dispatch) -> list[str]:
    try:
        return publisher.publish([dispatch], patient=True)
    except Exception as problem:
        unreadable.end_unreadable(dispatch, problem=sentence(problem))
        return []


def end_leases() -> int:
    """Send jobs whose lease nobody renews any more back, or to `dead` when that happened too often."""
    is_over = Job.lease_until < clock()
    ended = select(Job).where(Job.state == State.RUNNING, is_over).order_by(Job.lease_until).limit(BATCH)
    with reading() as session:
        jobs = session.scalars(ended).all()
    for job in jobs:
        error = f"LeaseEnded: {job.worker} sent no heartbeat for {settings().lease_seconds} s."
        lost_workers.end_lease(job, error=error, while_=is_over)
    return len(jobs)


def end_expired() -> int:
    """Cancel jobs that nobody began before they expired."""
    waiting = in_state(State.SCHEDULED, State.READY)
    if not _any(waiting, Job.expires_at < clock()):
        return 0
    expired = update(Job).where(waiting, Job.expires_at < clock()).returning(Job.id)
    cancelled = {"state": State.CANCELLED.value, "error": "expired", "finished_at": clock()}
    with transaction() as session:
        ids = session.scalars(expired.values(**cancelled)).all()
        dependents.cancel_dependents(session, job_ids=ids, reason="expired")
    return len(ids)

"""The numbers of the overview, each from a question of its own: one that takes too long leaves the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal, select, union_all

from app.console.questions import answer
from app.db.clock import clock
from app.jobs.ledger.models import Job, JobStat, State, Worker
from app.jobs.ledger.states import NOT_HELD, in_state
from app.jobs.statistics.sums import FINISHED
from app.jobs.transitions.overdue import count_overdue
from app.jobs.transitions.recover import broker_lists
from app.jobs.transitions.rollup import watermark
from app.outbound.alerts.models import Alert
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.settings.config import settings
from app.topology import Queue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

#: What is counted is counted up to this.
CAP = 10_000
MAX_ROWS = 50
#: How many of those that wait are looked at to tell for how long the oldest have.
MAX_AGES = 1_000


@dataclass(frozen=True, kw_only=True)
class Balance:
    """All jobs that the ledger has, and the same by state, from one look."""

    accepted: int
    states: Mapping[str, int]

    @property
    def is_exact(self) -> bool:
        """Whether everything was counted to its end."""
        return self.accepted <= CAP

    @property
    def adds_up(self) -> bool:
        """Whether each job is in exactly one state."""
        return self.accepted == sum(self.states.values())


@dataclass(frozen=True, kw_only=True)
class QueueDepth:
    """How many jobs wait in a queue, and for how long the oldest has; None where that was cut off."""

    name: str
    waiting: int
    oldest_seconds: float | None
    #: Whether it may be less: so many wait in other queues that its own were not looked at.
    is_at_most: bool = False


@dataclass(frozen=True, kw_only=True)
class Ages:
    """For how long the oldest job of each queue has waited, in seconds."""

    by_queue: Mapping[str, float]
    #: No job that was not looked at has waited for longer; None where all were.
    others: float | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """All of them; what is None was cut off."""

    balance: Balance | None
    ended: Mapping[str, int] | None
    ended_until: datetime | None
    overdue: Mapping[str, int] | None
    broker_answers: bool
    queues: Sequence[QueueDepth] | None
    workers: Sequence[Any] | None
    alerts: Sequence[Alert] | None
    uncertain: int | None

    @property
    def dead(self) -> int | None:
        """Dead jobs."""
        return self.balance.states[State.DEAD] if self.balance else None


def look() -> Figures:
    """What the ledger and the broker say now."""
    lists = broker_lists()
    ended = answer(_ended)
    return Figures(
        balance=answer(_balance),
        ended=ended[0] if ended else None,
        ended_until=ended[1] if ended else None,
        overdue=answer(lambda session: count_overdue(session, lists)),
        broker_answers=lists is not None,
        queues=queue_depths(),
        workers=answer(_workers),
        alerts=answer(_alerts),
        uncertain=answer(_uncertain),
    )


def _balance(session: Session) -> Balance:
    counts = {state.value: _capped(in_state(state)) for state in State}
    # In one statement, so that no job moves on between two of the counts.
    rows = session.execute(
        union_all(
            *(select(literal(name), counted.scalar_subquery()) for name, counted in counts.items()),
            select(literal(""), _capped().scalar_subquery()),
        )
    )
    found = {row[0]: row[1] for row in rows}
    return Balance(accepted=found.pop(""), states=found)


def _capped(*conditions: ColumnElement[bool]) -> Select[int]:
    some = select(literal(1)).select_from(Job).where(*conditions).limit(CAP + 1).subquery()
    return select(func.count()).select_from(some)


def _ended(session: Session) -> tuple[dict[str, int], datetime | None]:
    """Jobs that ended so far, those that were deleted since included, and until when that was counted."""
    sums = select(JobStat.bucket, func.sum(JobStat.count)).where(JobStat.kind == FINISHED)
    found = {state: int(count) for state, count in session.execute(sums.group_by(JobStat.bucket))}
    return found, watermark(session)


def queue_depths() -> Sequence[QueueDepth] | None:
    """All queues; None if that was cut off."""
    depths = answer(_depths)
    if depths is None:
        return None
    ages = answer(_ages)
    return [_queue_depth(name, waiting, ages) for name, waiting in depths]


def _queue_depth(name: str, waiting: int, ages: Ages | None) -> QueueDepth:
    if ages is None:
        return QueueDepth(name=name, waiting=waiting, oldest_seconds=None)
    age = ages.by_queue.get(name, 0.0)
    if ages.others is None or age >= ages.others:
        return QueueDepth(name=name, waiting=waiting, oldest_seconds=age)
    return QueueDepth(name=name, waiting=waiting, oldest_seconds=ages.others, is_at_most=True)


def _depths(session: Session) -> list[tuple[str, int]]:
    ready = in_state(State.READY)
    rows = session.execute(
        union_all(
            *(
                select(literal(queue.value), _capped(ready, Job.queue == queue.value).scalar_subquery())
                for queue in Queue
            )
        )
    )
    return [(name, waiting) for name, waiting in rows]


def _ages(session: Session) -> Ages:
    """For how long jobs have waited that are not held: of those that were accepted first."""
    since = func.coalesce(Job.run_at, Job.accepted_at).label("since")
    first = select(Job.queue, Job.accepted_at, since).where(in_state(State.READY), NOT_HELD)
    some = first.order_by(Job.accepted_at).limit(MAX_AGES).subquery()
    counts = (func.count(), func.max(some.c.accepted_at), func.min(some.c.since), clock())
    rows = session.execute(select(some.c.queue, *counts).group_by(some.c.queue)).all()
    by_queue = {queue: max((at - since).total_seconds(), 0.0) for queue, _, _, since, at in rows}
    is_all = sum(row[1] for row in rows) < MAX_AGES
    others = None if is_all else min(max((at - last).total_seconds(), 0.0) for _, _, last, _, at in rows)
    return Ages(by_queue=by_queue, others=others)


def _workers(session: Session) -> Sequence[Any]:
    alive = ~Worker.signed_off & (Worker.seen_at > clock(-settings().lease_seconds))
    columns = (Worker.node, Worker.release, Worker.concurrency, Worker.started_at, Worker.seen_at)
    return session.execute(select(*columns).where(alive).order_by(Worker.node).limit(MAX_ROWS)).all()


def _alerts(session: Session) -> Sequence[Alert]:
    is_open = select(Alert).where(Alert.closed_at.is_(None)).order_by(Alert.id.desc())
    return session.scalars(is_open.limit(MAX_ROWS)).all()


def _uncertain(session: Session) -> int:
    some = select(literal(1)).select_from(Delivery).where(Delivery.state == DeliveryState.UNCERTAIN)
    return session.scalars(select(func.count()).select_from(some.limit(CAP + 1).subquery())).one()

"""The numbers of the overview, each from a question of its own: one that takes too long leaves the others.

What is few is counted as it is now. Of what is many, beat has written down the exact numbers moments ago, and
the page says when. Where it has not, because it is away, the page says that there are more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, select

from app.console.questions import asking
from app.console.timeline import lately
from app.jobs import fleet
from app.jobs.ledger.models import State
from app.jobs.pauses.service import paused
from app.jobs.statistics import samples
from app.jobs.statistics.waiting import ages
from app.jobs.transitions.balance import Balance, Count, balance
from app.jobs.transitions.overdue import count_overdue
from app.jobs.transitions.recover import broker_lists
from app.jobs.transitions.sampling import LASTS
from app.outbound.alerts.models import Alert
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.topology import Queue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row, Select
    from sqlalchemy.orm import Session

    from app.console.questions import Asker
    from app.console.timeline.lately import Lately
    from app.jobs.pauses.models import QueuePause
    from app.jobs.statistics.samples import Sampled
    from app.jobs.statistics.waiting import Ages

#: What is counted now is counted up to this.
CAP = 1_000
MAX_ROWS = 50


@dataclass(frozen=True, kw_only=True)
class QueueDepth:
    """How many jobs wait in a queue, and for how long the oldest has; None where that was cut off."""

    name: str
    waiting: Count
    oldest_seconds: float | None
    #: Whether it may be less: so many wait in other queues that its own were not looked at.
    is_at_most: bool = False


@dataclass(frozen=True, kw_only=True)
class Figures:
    """All of them; what is None was cut off."""

    balance: Balance | None
    dead: Count | None
    overdue: Mapping[str, int] | None
    #: How long ago beat counted what is many, and what is overdue; 0 where that was counted now.
    balance_age: float
    overdue_age: float
    broker_answers: bool
    queues: Sequence[QueueDepth] | None
    workers: Sequence[Row[Any]] | None
    alerts: Sequence[Alert] | None
    paused: Sequence[QueuePause] | None
    uncertain: Count | None
    lately: Sequence[Lately] | None


def look() -> Figures:
    """What the ledger and the broker say now."""
    broker_answers = broker_lists([next(iter(Queue))]) is not None
    with asking() as asker:
        sampled = _sampled(asker)
        counted = asker.answer(_balance)
        whole, age = _whole(counted, sampled)
        return Figures(
            balance=whole,
            dead=None if counted is None else _dead(counted, sampled),
            balance_age=age,
            overdue=asker.answer(_overdue) if sampled is None else sampled.overdue,
            overdue_age=0.0 if sampled is None else sampled.age.total_seconds(),
            broker_answers=broker_answers,
            queues=None if counted is None else _depths(asker, counted, sampled),
            workers=asker.answer(_workers),
            alerts=asker.answer(_alerts),
            paused=asker.answer(paused),
            uncertain=asker.answer(_uncertain),
            lately=None if counted is None else _lately(asker, counted),
        )


def queue_depths() -> Sequence[QueueDepth] | None:
    """All queues; None if that was cut off."""
    with asking() as asker:
        return depths(asker)


def depths(asker: Asker) -> Sequence[QueueDepth] | None:
    """The same, asked for beside something else."""
    counted = asker.answer(_balance)
    return None if counted is None else _depths(asker, counted, _sampled(asker))


def _balance(session: Session) -> Balance:
    return balance(session, cap=CAP)


def _sampled(asker: Asker) -> Sampled | None:
    """What beat has counted, unless that is too long ago to tell anything of now."""
    found = asker.answer(samples.last)
    return found if found is not None and found.age <= LASTS else None


def _whole(counted: Balance | None, sampled: Sampled | None) -> tuple[Balance | None, float]:
    """The balance from one look: this one, or the one of beat, and how many seconds ago that was."""
    if sampled is None or (counted is not None and counted.is_whole):
        return counted, 0.0
    found = Balance(
        states={state.value: Count(sampled.states.get(state, 0)) for state in State},
        queues={name: Count(number) for name, number in sampled.queues.items()},
        taken_at=sampled.taken_at,
    )
    return found, sampled.age.total_seconds()


def _dead(counted: Balance, sampled: Sampled | None) -> Count:
    return _exact(counted.states[State.DEAD], sampled.states.get(State.DEAD) if sampled else None)


def _exact(count: Count, known: int | None) -> Count:
    """How many there are as far as that was counted now, else as beat counted them."""
    return Count(known) if count.is_more and known is not None and known > count else count


def _depths(asker: Asker, counted: Balance, sampled: Sampled | None) -> list[QueueDepth]:
    waits = asker.answer(ages) if any(counted.queues.values()) else None
    return [_depth(queue.value, counted, sampled, waits) for queue in Queue]


def _depth(name: str, counted: Balance, sampled: Sampled | None, waits: Ages | None) -> QueueDepth:
    waiting = _exact(counted.queues[name], sampled.queues.get(name) if sampled else None)
    oldest, is_at_most = waits.of(name) if waits else (None, False)
    return QueueDepth(name=name, waiting=waiting, oldest_seconds=oldest, is_at_most=is_at_most)


def _lately(asker: Asker, counted: Balance) -> Sequence[Lately] | None:
    until, at = counted.counted_until, counted.taken_at
    return asker.answer(lambda session: lately.look(session, counted_until=until, now=at))


def _overdue(session: Session) -> dict[str, int]:
    return count_overdue(session, broker_lists())


def _workers(session: Session) -> Sequence[Row[Any]]:
    return fleet.at_work(session, limit=MAX_ROWS)


def _alerts(session: Session) -> Sequence[Alert]:
    is_open = select(Alert).where(Alert.closed_at.is_(None)).order_by(Alert.id.desc())
    return session.scalars(is_open.limit(MAX_ROWS)).all()


def _uncertain(session: Session) -> Count:
    found = session.scalars(_uncertain_up_to(CAP + 1)).one()
    return Count(min(found, CAP), is_more=found > CAP)


@lru_cache(maxsize=2)
def _uncertain_up_to(most: int) -> Select[int]:
    some: Select[Any] = (
        select(literal_column("1")).select_from(Delivery).where(Delivery.state == DeliveryState.UNCERTAIN)
    )
    return select(func.count()).select_from(some.limit(most).subquery())

"""How many jobs are in each state and wait in each queue, from one look: none moves on between two counts.

Jobs that are done are not counted anew. The roll-up has counted them up to its watermark, deleted ones
included, and what has ended since is added. Of cancelled jobs, which may be brought back, those that were
deleted are known by `prune`. All others are counted as the indexes have them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import bindparam, func, literal_column, select, union_all

from app.db.clock import clock
from app.db.columns import UtcDateTime
from app.jobs.ledger.models import Job, JobStat, State
from app.jobs.ledger.states import in_state
from app.jobs.statistics.sums import FINISHED
from app.jobs.transitions.rollup import EPOCH, PRUNED, WATERMARK
from app.topology import Queue

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, CompoundSelect, Select
    from sqlalchemy.orm import Session

OPEN = (State.SCHEDULED, State.READY, State.RUNNING)
_COUNTED = (State.SCHEDULED, State.RUNNING, State.DEAD, State.CANCELLED)
#: What a row of the look is about: a state, or a queue in which jobs wait.
_STATE, _QUEUE, _DELETED = "state", "queue", "deleted"


class Count(int):
    """How many there are; at least so many where nobody counted further."""

    is_more: bool

    def __new__(cls, number: int, *, is_more: bool = False) -> Self:
        made = super().__new__(cls, number)
        made.is_more = is_more
        return made

    def __str__(self) -> str:
        return f"{int(self):,}{'+' if self.is_more else ''}"


@dataclass(frozen=True, kw_only=True)
class Balance:
    """All jobs that were ever accepted, by what became of them."""

    states: Mapping[str, Count]
    #: Those that are ready, by queue.
    queues: Mapping[str, Count]
    taken_at: datetime
    #: What ended later is not in the statistics yet; None before anything was.
    counted_until: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Whether everything was counted to its end."""
        return not any(count.is_more for count in (*self.states.values(), *self.queues.values()))

    @property
    def accepted(self) -> int:
        """All of them."""
        return sum(self.states.values())

    @property
    def open(self) -> int:
        """Those that are still to end."""
        return sum(self.states[state] for state in OPEN)


def balance(session: Session, *, cap: int | None = None) -> Balance:
    """What there is now, of everything counted no more than `cap`."""
    micros, done = session.execute(_rolled_up()).one()
    until = None if micros is None else EPOCH + timedelta(microseconds=micros)
    rows = session.execute(_look(cap), {"since": until or EPOCH}).all()
    states = {state.value: Count(0) for state in State}
    queues: dict[str, Count] = {}
    for kind, name, number, _ in rows:
        if kind == _QUEUE:
            queues[name] = _counted(number, cap)
        elif kind == _STATE:
            states[name] = _counted(number, cap)
    if cap is None:
        states[State.READY] = Count(sum(queues.values()))
    states[State.DONE] = _plus(states[State.DONE], int(done or 0))
    deleted = sum(int(number or 0) for kind, _, number, _ in rows if kind == _DELETED)
    states[State.CANCELLED] = _plus(states[State.CANCELLED], deleted)
    return Balance(states=states, queues=queues, taken_at=rows[0][3], counted_until=until)


def _counted(number: int, cap: int | None) -> Count:
    return Count(number) if cap is None or number <= cap else Count(cap, is_more=True)


def _plus(count: Count, more: int) -> Count:
    return Count(count + more, is_more=count.is_more)


@cache
def _rolled_up() -> Select[Any]:
    """Until when, and how many jobs were done by then: at once, for it goes on meanwhile."""
    until = select(JobStat.count).where(JobStat.kind == WATERMARK)
    return select(until.scalar_subquery(), _sum(FINISHED, State.DONE).scalar_subquery())


def _sum(kind: str, state: State) -> Select[Any]:
    return select(func.sum(JobStat.count)).where(JobStat.kind == kind, JobStat.bucket == state.value)


@lru_cache(maxsize=4)
def _look(cap: int | None) -> CompoundSelect[Any]:
    # Made once: to put so many together takes longer than to answer them.
    lately = Job.finished_at >= bindparam("since", type_=UtcDateTime())
    parts = [_part(_STATE, state.value, _count(cap, in_state(state))) for state in _COUNTED]
    parts.append(_part(_STATE, State.DONE, _count(cap, in_state(State.DONE), lately, by=Job.finished_at)))
    parts.append(_part(_DELETED, State.CANCELLED, _sum(PRUNED, State.CANCELLED)))
    ready = in_state(State.READY)
    if cap is None:
        columns: list[Any] = [literal_column(f"'{_QUEUE}'"), Job.queue, func.count(), clock()]
        parts.append(select(*columns).where(ready).group_by(Job.queue))
    else:
        parts.append(_part(_STATE, State.READY, _count(cap, ready)))
        of_queues = ((queue.value, ready & (Job.queue == queue.value)) for queue in Queue)
        parts += [_part(_QUEUE, name, _count(cap, condition)) for name, condition in of_queues]
    return union_all(*parts)


def _part(kind: str, name: str, count: Select[Any]) -> Select[Any]:
    return select(literal_column(f"'{kind}'"), literal_column(f"'{name}'"), count.scalar_subquery(), clock())


def _count(cap: int | None, *conditions: ColumnElement[bool], by: Any = None) -> Select[Any]:
    """`by` is what an index has them in order of, where the planner may not see that they are few."""
    if cap is None:
        return select(func.count()).select_from(Job).where(*conditions)
    some: Select[Any] = select(literal_column("1")).select_from(Job).where(*conditions)
    return select(func.count()).select_from(some.order_by(by).limit(cap + 1).subquery())

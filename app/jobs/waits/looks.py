"""What is looked at to tell why a job waits: a few indexed questions, each with a bound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select, text

from app.db.clock import now
from app.jobs.broker.lists import step_of
from app.jobs.ledger.models import ENDED, HELD, WAITING, Job, State, Worker
from app.jobs.ledger.states import in_state
from app.jobs.publish.reachability import looking
from app.jobs.transitions import lost_workers, recover
from app.jobs.waits.causes import MAX_COUNTED
from app.settings.config import settings
from app.topology import POOLS, Priority, Queue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, TextClause
    from sqlalchemy.orm import Session

    from app.jobs.transitions.recover import BrokerList

#: The pace of a queue is that of so many of the jobs that ended last, if that is not too long ago.
LAST_ENDED, PACE_WITHIN = 1_000, timedelta(minutes=5)
#: Those ends are written together, so that a pace is not taken from less than this.
SHORTEST_PACE = timedelta(seconds=0.5)


class Longest(NamedTuple):
    """The running job that began first."""

    id: str
    task: str
    started_at: datetime | None


class Running(NamedTuple):
    """What the workers of a queue run."""

    jobs: int
    longest: Longest | None


@dataclass(frozen=True, kw_only=True)
class Drain:
    """The workers that may take jobs of a queue, and when one that is silent was last heard of."""

    names: Sequence[str]
    processes: int
    last_seen_at: datetime | None


@dataclass(frozen=True)
class Look:
    """One look at a job and at what stands around it; each question is asked once, if at all."""

    session: Session
    job: Job
    asks_broker: bool

    @cached_property
    def now(self) -> datetime:
        """What the database's clock shows."""
        return now(self.session)

    @property
    def late(self) -> timedelta:
        """For how long it has been due."""
        return self.now - (self.job.run_at or self.job.accepted_at)

    @property
    def is_put_off(self) -> bool:
        """Whether a worker that did not know its task has put it off."""
        return self.job.published_at is not None and self.job.published_at > self.now

    @cached_property
    def lists(self) -> list[BrokerList] | None:
        """What the broker holds of its queue; None when it does not answer."""
        # One view waits for a broker that says nothing, and not each of all that are looked at meanwhile.
        return recover.broker_lists([Queue(self.job.queue)]) if looking.is_open else None

    @property
    def own_list(self) -> BrokerList | None:
        """The broker's list for its messages."""
        return next((one for one in self.lists or () if one.step == step_of(self.job.priority)), None)

    @property
    def pools(self) -> list[str]:
        """The pools that drain its queue."""
        return [pool.name for pool in POOLS if self.job.queue in pool.queues]

    @cached_property
    def drain(self) -> Drain:
        """The workers that drain its queue; one that is no pool's may drain any."""
        gone = (
            Worker.signed_off | lost_workers.SILENT | (Worker.seen_at < self._ago(settings().lease_seconds))
        )
        asked = select(Worker.name, Worker.node, Worker.concurrency, Worker.seen_at, gone.label("gone"))
        found = self.session.execute(asked.order_by(Worker.seen_at)).all()
        known, own = {pool.name for pool in POOLS}, self.pools
        ours = [each for each in found if (pool := each.node.partition("@")[0]) in own or pool not in known]
        alive = [each for each in ours if not each.gone]
        return Drain(
            names=[each.name for each in alive],
            processes=sum(each.concurrency for each in alive),
            last_seen_at=ours[-1].seen_at if ours else None,
        )

    @cached_property
    def running(self) -> Running:
        """What those workers run now."""
        theirs = in_state(State.RUNNING) & Job.worker.in_(self.drain.names)
        first = select(Job.id, Job.task, Job.started_at).where(theirs).order_by(Job.started_at).limit(1)
        found = self.session.execute(first).one_or_none()
        jobs = self.session.scalar(select(func.count()).select_from(Job).where(theirs)) or 0
        return Running(jobs=jobs, longest=Longest(*found) if found else None)

    @cached_property
    def before_in_broker(self) -> int:
        """How many jobs of its queue at most are taken before it, counted to one more than is told.

        Those that were sent in the same statement are among them: nobody knows their order.
        """
        queue = in_state(State.READY) & (Job.queue == self.job.queue)
        step = step_of(self.job.priority)
        # One range of an index each: among a million that come after it, nobody would find the few before.
        sooner = self._count(queue & (Job.priority < step.value) & Job.published_at.is_not(None))
        same = self._count(
            queue & Job.priority.in_(self._of_step(step)) & (Job.published_at <= self.job.published_at)
        )
        return min(sooner + max(same - 1, 0), MAX_COUNTED + 1)

    def _of_step(self, step: Priority) -> list[int]:
        above = min((other.value for other in Priority if other > step), default=step.value + 1)
        return sorted({*range(step.value, above), self.job.priority})

    @cached_property
    def before_in_ledger(self) -> int:
        """How many at most go to the broker before it, of its partition if it has one, else of its queue."""
        key = self.job.partition
        group = (Job.queue == self.job.queue) if key is None else (Job.partition == key)
        held = text(WAITING if key is None else HELD)
        more_urgent = self._count(held, group, Job.priority < self.job.priority)
        same = (Job.priority == self.job.priority) & (Job.accepted_at <= self.job.accepted_at)
        return min(more_urgent + max(self._count(held, group, same) - 1, 0), MAX_COUNTED + 1)

    def _count(self, *conditions: ColumnElement[bool] | TextClause) -> int:
        some = select(Job.id).where(*conditions).limit(MAX_COUNTED + 2).subquery()
        return self.session.scalar(select(func.count()).select_from(some)) or 0

    @cached_property
    def pace(self) -> float | None:
        """How many of its queue end in a second, by those that ended last; None where none has lately."""
        ended = select(Job.finished_at, Job.state).where(text(ENDED), Job.queue == self.job.queue)
        rows = self.session.execute(ended.order_by(Job.accepted_at.desc()).limit(LAST_ENDED)).all()
        since = self.now - PACE_WITHIN
        ran = (State.DONE, State.DEAD)
        moments = [at for at, state in rows if state in ran and at is not None and since < at <= self.now]
        if not moments:
            return None
        return len(moments) / max(self.now - min(moments), SHORTEST_PACE).total_seconds()

    def _ago(self, seconds: float) -> datetime:
        return self.now - timedelta(seconds=seconds)

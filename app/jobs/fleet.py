"""The fleet as the ledger knows it: its workers, and what they run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Integer, bindparam, func, select

from app.db.clock import clock
from app.jobs.ledger.models import Job, State, Worker
from app.jobs.ledger.states import in_state
from app.jobs.transitions import lost_workers
from app.settings.config import settings
from app.topology import POOLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row, Select
    from sqlalchemy.orm import Session

    from app.topology import Pool

#: Running jobs that are looked at; a fleet that runs more shows those that began first.
MAX_RUNNING = 1_000


class Life(StrEnum):
    """What a worker said of itself last."""

    TAKES_JOBS = "takes jobs"
    DRAINS = "drains"  # it takes nothing more, and ends with what it runs
    ENDED = "has ended"
    SILENT = "not heard of"


class Run(NamedTuple):
    """A job that runs."""

    job_id: str
    task: str
    started_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class SeenWorker:
    """A worker that was heard of."""

    node: str
    #: None for one that was started with queues of its own.
    pool: Pool | None
    release: str
    concurrency: int
    life: Life
    started_at: datetime
    seen_at: datetime
    runs: Sequence[Run]


#: Bound to `_since`, as the statements that are made once are.
_IS_SILENT = lost_workers.SILENT | (Worker.seen_at < clock(bindparam("since")))


def _since() -> dict[str, float]:
    """Whoever was not heard of for longer than a lease lasts is silent, however seldom it beats."""
    return {"since": -settings().lease_seconds}


def at_work(session: Session, *, limit: int) -> Sequence[Row[Any]]:
    """Those that take jobs and are not silent, by their names, without what they run."""
    return session.execute(_at_work(), {"limit": limit, **_since()}).all()


@cache
def _at_work() -> Select[Any]:
    columns: tuple[Any, ...] = (
        Worker.node,
        Worker.release,
        Worker.concurrency,
        Worker.started_at,
        Worker.seen_at,
    )
    named = select(*columns).where(~Worker.signed_off, ~_IS_SILENT).order_by(Worker.node, Worker.name)
    return named.limit(bindparam("limit", type_=Integer))


def workers(session: Session, *, limit: int) -> list[SeenWorker]:
    """Those that were heard of, by their names."""
    columns = (Worker.name, Worker.node, Worker.release, Worker.concurrency)
    moments = (Worker.signed_off, Worker.started_at, Worker.seen_at, _IS_SILENT.label("is_silent"))
    named = select(*columns, *moments).order_by(Worker.node, Worker.name)
    rows = session.execute(named.limit(limit), _since()).all()
    runs = _running(session)
    return [
        SeenWorker(
            node=row.node,
            pool=_pool_of(row.node),
            release=row.release,
            concurrency=row.concurrency,
            life=_LIVES[row.signed_off, row.is_silent],
            started_at=row.started_at,
            seen_at=row.seen_at,
            runs=runs.get(row.name, ()),
        )
        for row in rows
    ]


def running_by_queue(session: Session) -> dict[str, int]:
    """How many jobs of each queue run."""
    counts = select(Job.queue, func.count().label("jobs")).where(in_state(State.RUNNING)).group_by(Job.queue)
    return {row.queue: row.jobs for row in session.execute(counts)}


#: By whether it has signed off, and whether it is silent.
_LIVES = {
    (False, False): Life.TAKES_JOBS,
    (True, False): Life.DRAINS,
    (True, True): Life.ENDED,
    (False, True): Life.SILENT,
}


def _pool_of(node: str) -> Pool | None:
    name = node.partition("@")[0]
    return next((pool for pool in POOLS if pool.name == name), None)


def _running(session: Session) -> Mapping[str, list[Run]]:
    running = select(Job.worker, Job.id, Job.task, Job.started_at).where(in_state(State.RUNNING))
    found: defaultdict[str, list[Run]] = defaultdict(list)
    for worker, job_id, task, started_at in session.execute(
        running.order_by(Job.started_at).limit(MAX_RUNNING)
    ):
        found[worker or ""].append(Run(job_id, task, started_at))
    return found

"""What the pages of queues and workers show, each from a question of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.console import figures
from app.console.questions import answer, asking
from app.jobs import fleet
from app.jobs.broker.current import broker
from app.jobs.declaration import registry
from app.jobs.fleet import Life
from app.jobs.pauses import service as pauses
from app.jobs.quarantine import quarantine
from app.jobs.transitions.recover import broker_lists
from app.topology import POOLS, Queue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy.orm import Session

    from app.console.figures import QueueDepth
    from app.jobs.fleet import SeenWorker
    from app.jobs.pauses.models import QueuePause
    from app.jobs.transitions.recover import BrokerList
    from app.topology import Pool

MAX_WORKERS = 500
MAX_ENTRIES = 100


@dataclass(frozen=True, kw_only=True)
class SeenQueue:
    """A queue; what is None could not be found out."""

    name: str
    pools: Sequence[Pool]
    depth: QueueDepth | None
    #: Messages in the broker, and whether one of its lists holds as many as it may.
    messages: int | None
    is_full: bool
    runs: int | None
    #: How many jobs the workers that are there take at a time.
    places: int | None
    #: Since when, by whom and why it is paused.
    paused: QueuePause | None
    #: What tasks declare about how many of their jobs begin or run.
    limits: Sequence[tuple[str, str]]

    @property
    def stands(self) -> bool:
        """Whether jobs wait that no worker takes, though nobody has paused it."""
        return bool(self.depth and self.depth.waiting and self.places == 0 and not self.paused)

    @property
    def can_be_paused(self) -> bool:
        """Whether somebody may pause it now."""
        return self.paused is None and self.name not in pauses.NEVER_PAUSED


def queues() -> list[SeenQueue]:
    """All of them, in the order of the topology."""
    lists = broker_lists()
    with asking() as asker:
        depths = {depth.name: depth for depth in figures.depths(asker) or ()}
        seen, running = asker.answer(_workers), asker.answer(fleet.running_by_queue)
        paused = {pause.queue: pause for pause in asker.answer(pauses.paused) or ()}
    return [
        SeenQueue(
            name=queue.value,
            pools=[pool for pool in POOLS if queue in pool.queues],
            depth=depths.get(queue.value),
            messages=None if lists is None else sum(each.length for each in _of(queue, lists)),
            is_full=any(not each.room for each in _of(queue, lists or ())),
            runs=None if running is None else running.get(queue.value, 0),
            places=None if seen is None else _places(queue, seen),
            paused=paused.get(queue.value),
            limits=_limits(queue),
        )
        for queue in Queue
    ]


def workers() -> Sequence[SeenWorker] | None:
    """Those that were heard of lately; None if that took too long."""
    return answer(_workers)


def _workers(session: Session) -> Sequence[SeenWorker]:
    return fleet.workers(session, limit=MAX_WORKERS)


def described(pause: QueuePause | None) -> dict[str, str | None] | None:
    """How a queue is paused, as the audit log has it."""
    if pause is None:
        return None
    until = None if pause.until is None else pause.until.isoformat()
    return {"since": pause.since.isoformat(), "until": until, "by": pause.paused_by, "reason": pause.reason}


def quarantined() -> Sequence[dict[str, Any]] | None:
    """What is in quarantine, the newest first; None where the broker does not answer."""
    try:
        return quarantine.entries(limit=MAX_ENTRIES)
    except broker().failures:
        return None


def _of(queue: Queue, lists: Sequence[BrokerList]) -> list[BrokerList]:
    return [each for each in lists if each.queue is queue]


def _places(queue: Queue, seen: Sequence[SeenWorker]) -> int:
    # One that is no pool's may take jobs of any queue.
    taking = (one for one in seen if one.life is Life.TAKES_JOBS)
    return sum(one.concurrency for one in taking if one.pool is None or queue in one.pool.queues)


def _limits(queue: Queue) -> list[tuple[str, str]]:
    declared = registry.tasks().values()
    return [(spec.name, str(spec.limits)) for spec in declared if spec.queue is queue and spec.limits]

"""What the fault tests ask the ledger, and the table of effects they judge by."""

from __future__ import annotations

from sqlalchemy import func, select, text

from app.db.sessions import reading
from app.jobs.ledger.models import Job, State
from app.topology import Queue
from tests.servers import wait_until

#: What the workers of these tests drain. Beat may fire a schedule of another queue meanwhile.
QUEUES = (Queue.DEFAULT, Queue.DISCOUNTS)


def states() -> dict[str, int]:
    """How many jobs there are in each state."""
    counts = select(Job.state, func.count()).where(Job.queue.in_(QUEUES)).group_by(Job.state)
    with reading() as session:
        return dict(session.execute(counts).all())


def wait_until_all_done(*, seconds: float = 90) -> None:
    """Wait until every accepted job is done."""
    wait_until(lambda: set(states()) == {State.DONE}, seconds=seconds, what="every job is done")


def effects() -> list[str]:
    """What `tests.sample.tasks.record_effect` wrote, in order of the names."""
    with reading() as session:
        return list(session.scalars(text("SELECT name FROM effect ORDER BY name")))


def wait_for_more_effects(number: int, *, of: int) -> None:
    """Wait until `number` more effects are there, or all."""
    wanted = min(len(effects()) + number, of)
    wait_until(lambda: len(effects()) >= wanted, seconds=30, what=f"{wanted} effects")

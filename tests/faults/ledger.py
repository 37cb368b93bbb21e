"""What the fault tests ask the ledger, and the table of effects they judge by."""

from __future__ import annotations

from sqlalchemy import func, select, text

from app.db.sessions import reading
from app.jobs.ledger.models import Job, State
from tests.servers import wait_until


def states() -> dict[str, int]:
    """How many jobs there are in each state."""
    with reading() as session:
        return dict(session.execute(select(Job.state, func.count()).group_by(Job.state)).all())


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

"""Jobs that have ended some time ago, and their roll-up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from app.db.clock import clock
from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.jobs.transitions import rollup
from tests.jobs import samples


def accepted(number: int = 1) -> list[str]:
    jobs = [new_job(samples.greet.name, kwargs={"name": str(index)}) for index in range(number)]
    with transaction() as session:
        return [answer.id for answer in accept(session, jobs)]


def change(ids: list[str], **values: Any) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id.in_(ids)).values(values))


def finish(
    ids: list[str], *, ago: timedelta, state: State = State.DONE, ran: float = 2.0, waited: float = 0.2
) -> None:
    """End jobs some time ago, after they waited and ran for so many seconds."""
    with transaction() as session:
        ended = session.execute(select(clock())).scalar_one() - ago
    began = ended - timedelta(seconds=ran)
    due = began - timedelta(seconds=waited)
    change(ids, state=state, finished_at=ended, started_at=began, run_at=due, accepted_at=due)


def roll_up() -> int:
    """Roll up until nothing is left, as beat does over time."""
    total = 0
    while True:
        with transaction() as session:
            before = rollup.watermark(session)
            total += rollup.roll_up(session)
            if rollup.watermark(session) is not None and before is not None:
                now = session.execute(select(clock())).scalar_one()
                if now - before < rollup.LONGEST_WINDOW:
                    return total

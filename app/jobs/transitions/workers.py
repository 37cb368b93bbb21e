"""What workers say of themselves in the ledger, and what becomes of it once they say no more."""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy import delete, select, update

from app.db.clock import clock
from app.db.sessions import transaction
from app.db.upsert import insert_or_update
from app.jobs.ledger.models import Job, State, Worker
from app.jobs.pauses.service import names_in_one, names_of
from app.jobs.transitions import apply, lost_workers, rules
from app.settings.config import settings

log = structlog.get_logger(__name__)

#: Where leases are renewed less often, a worker says so often that it lives.
BEAT = timedelta(seconds=5)
#: Rows of workers that ended without a word are kept for so many leases.
GONE_AFTER_LEASES = 3


def beat_seconds() -> float:
    """How often a worker says that it lives."""
    renewal = settings().lease_seconds / 3
    return renewal if settings().is_sqlite else min(renewal, BEAT.total_seconds())


def gone_after_seconds() -> float:
    """A worker that was not heard of for so long has no jobs any more, nor is it waited for."""
    return float(GONE_AFTER_LEASES * settings().lease_seconds)


def sign(*, name: str, node: str, concurrency: int, signed_off: bool) -> frozenset[str]:
    """Say that the worker lives, and whether it takes jobs; which queues are paused."""
    with transaction() as session:
        statement = insert_or_update(session, Worker).values(
            name=name,
            node=node,
            release=settings().release,
            concurrency=concurrency,
            started_at=clock(),
            seen_at=clock(),
            # On SQLite one job may keep all workers from writing, and no host outlives the database's.
            beat_seconds=None if settings().is_sqlite else beat_seconds(),
            signed_off=signed_off,
        )
        now = {"seen_at": clock(), "signed_off": signed_off}
        signing = statement.on_conflict_do_update(index_elements=[Worker.name], set_=now)
        return names_of(session.execute(signing.returning(names_in_one())).scalar_one())


def clear_away(*, name: str, others: str) -> None:
    """Show none that the worker `name` has replaced, whose names begin with `others`, and no gone one."""
    with transaction() as session:
        # There was another before it, or is another elsewhere that lives.
        namesake = Worker.name.startswith(others, autoescape=True)
        silent = Worker.seen_at < clock(-lost_workers.MISSED_BEATS * beat_seconds())
        replaced = update(Worker).where(Worker.name != name, namesake, silent)
        session.execute(replaced.values(signed_off=True))
        gone = Worker.seen_at < clock(-gone_after_seconds())
        session.execute(delete(Worker).where(Worker.name != name, gone))


def release_jobs(*, worker: str) -> None:
    """Release every job that `worker` still holds, and forget the worker."""
    with transaction() as session:
        held = session.scalars(select(Job.id).where(Job.worker == worker, Job.state == State.RUNNING))
        for job_id in held.all():
            guard = apply.held_by(job_id=job_id, worker=worker)
            apply.end_attempt(session, job_id=job_id, guard=guard, transition=rules.released())
            log.info("job_given_back", job_id=job_id)
        session.execute(delete(Worker).where(Worker.name == worker))

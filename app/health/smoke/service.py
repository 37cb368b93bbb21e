"""Sends a job through each pool and waits for all of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.health.smoke.tasks import answer
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.jobs.pauses import service as pauses

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from datetime import timedelta

    from app.topology import Pool, Queue

POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What became of the job sent through one pool."""

    pool: str
    queue: str
    job_id: str
    state: str
    #: From accepted to done.
    seconds: float | None
    #: Who did it, and of which release.
    worker: str | None
    release: str | None
    error: str | None

    @property
    def is_done(self) -> bool:
        """Whether the pool does jobs."""
        return self.state == State.DONE


def probe(pools: Sequence[Pool], *, timeout: timedelta) -> list[Probe]:
    """Send a job through a queue of each pool; the answers when all ended or the time is up.

    The first queue that is not paused: whether the pool works is asked, and not who has paused what.
    """
    with transaction() as session:
        paused = {pause.queue for pause in pauses.paused(session)}
        jobs = [
            new_job(answer.name, queue=_queue_of(pool, paused), expires_seconds=timeout.total_seconds())
            for pool in pools
        ]
        accept(session, jobs)
    ids = [job.id for job in jobs]
    until = time.monotonic() + timeout.total_seconds()
    rows = _look(ids)
    while time.monotonic() < until and not all(State(row.state).is_terminal for row in rows.values()):
        time.sleep(POLL_SECONDS)
        rows = _look(ids)
    return [_probe(pool, rows[job_id]) for pool, job_id in zip(pools, ids, strict=True)]


def _queue_of(pool: Pool, paused: Container[str]) -> Queue:
    return next((queue for queue in pool.queues if queue not in paused), pool.queues[0])


def _look(ids: Sequence[str]) -> dict[str, Job]:
    with reading() as session:
        return {job.id: job for job in session.scalars(select(Job).where(Job.id.in_(ids)))}


def _probe(pool: Pool, job: Job) -> Probe:
    took = (job.finished_at - job.accepted_at).total_seconds() if job.finished_at else None
    return Probe(
        pool=pool.name,
        queue=job.queue,
        job_id=job.id,
        state=job.state,
        seconds=took,
        worker=job.worker,
        release=job.release,
        error=job.error,
    )

"""A worker and a beat that many tests share, on a database and a Redis of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text

from app.celery_app import celery_app
from app.db.sessions import reading, transaction
from app.jobs.accept import accept
from app.jobs.broker.current import broker
from app.jobs.broker.lists import list_of
from app.jobs.factory import new_job
from app.jobs.ledger.models import TERMINAL, Attempt, Job
from app.jobs.publish import publisher
from app.jobs.publish.message import Dispatch
from app.topology import Priority, Queue
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tests.fleet import Fleet, Process
    from tests.servers import RedisServer


@dataclass(frozen=True, kw_only=True)
class Service:
    """Processes that run, and where they leave what."""

    fleet: Fleet
    worker: Process
    beat: Process
    redis: RedisServer
    folder: Path

    def wait_until_drained(self) -> None:
        """Wait until the queue of the tests' tasks is empty and no worker holds a message of it."""
        wait_until(lambda: not self._held(), seconds=20, what=f"the broker is drained of {self._held()}")

    def _held(self) -> dict[bytes, Any]:
        # Schedules fire into other queues, which no worker of the tests drains.
        lists = [list_of(queue=Queue.DEFAULT.value, priority=step) for step in Priority]
        lengths = zip(lists, broker().lengths(lists), strict=True)
        held: dict[bytes, Any] = {name.encode(): length for name, length in lengths if length}
        # A worker keeps no copy of a ledger's message in the broker, so it is asked itself.
        looking = celery_app.control.inspect(timeout=5, limit=1)
        for answer in (looking.reserved(), looking.active()):
            held |= {node.encode(): at_hand for node, at_hand in (answer or {}).items() if at_hand}
        return held


def accept_many(task_name: str, *tenants: str, times: int) -> list[str]:
    """Accept so many jobs of each tenant in one batch; their ids."""
    jobs = [new_job(task_name, kwargs={"tenant": tenant}) for tenant in tenants for _ in range(times)]
    with transaction() as session:
        return [answer.id for answer in accept(session, jobs)]


def job_of(job_id: str) -> Job:
    """The row of a job."""
    with reading() as session:
        return session.get_one(Job, job_id)


def is_in(job_id: str, states: Collection[str]) -> bool:
    """Whether there is a row of the job, in one of `states`."""
    with reading() as session:
        job = session.get(Job, job_id)
    return job is not None and job.state in states


def all_jobs() -> list[Job]:
    """Every row, in the order of acceptance."""
    with reading() as session:
        return list(session.scalars(select(Job).order_by(Job.accepted_at, Job.id)))


def jobs_named(task: str) -> list[Job]:
    """Every row of one task."""
    with reading() as session:
        return list(session.scalars(select(Job).where(Job.task == task).order_by(Job.accepted_at)))


def attempts_of(job_id: str) -> list[Attempt]:
    """The attempts of a job that ended in another way than done."""
    with reading() as session:
        found = session.scalars(select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.fence))
        return list(found)


def ended(job_id: str, *, seconds: float = 20) -> Job:
    """The row of a job, once it is done, dead or cancelled."""
    wait_until(lambda: is_in(job_id, TERMINAL), seconds=seconds, what=f"job {job_id} has ended")
    return job_of(job_id)


def wait_for_state(job_id: str, state: str, *, seconds: float = 20) -> Job:
    """The row of a job, once it is in `state`."""
    wait_until(lambda: is_in(job_id, {state}), seconds=seconds, what=f"job {job_id} is {state}")
    return job_of(job_id)


def send_again(job_id: str, *, expires: str | None = None) -> None:
    """Put the first message of a job into the broker once more."""
    job = job_of(job_id)
    again = Dispatch(
        id=job.id,
        task=job.task,
        queue=job.queue,
        priority=job.priority,
        args=json.dumps(job.args),
        kwargs=json.dumps(job.kwargs),
        options=json.dumps(job.options) if job.options else None,
        context=None,
        group_id=job.group_id,
        attempt=0,
        expires=expires,
        published=job.accepted_at.timestamp(),
    )
    assert publisher.publish([again], patient=True) == []


def effects(prefix: str = "") -> list[str]:
    """What the sample tasks wrote in transactions of their jobs."""
    with reading() as session:
        names = session.scalars(text("SELECT name FROM effect ORDER BY name"))
        return [name for name in names if name.startswith(prefix)]

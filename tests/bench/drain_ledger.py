"""Measures the ledger, on the database of the settings."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from typing import TYPE_CHECKING

import redis
from sqlalchemy import delete, func, select, text

from app.db.migrations import revisions
from app.db.sessions import reading, transaction
from app.jobs.accept import accept
from app.jobs.broker.lists import list_of
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.settings.config import settings
from app.topology import Priority, Queue
from tests.bench import measures, tasks
from tests.bench.through_api import accepted_through_api

if TYPE_CHECKING:
    from celery import Task

COMMAND = ["app.celery_command", "worker", "-I", "tests.bench.tasks"]
COMMAND += ["-Q", Queue.DEFAULT.value, "-l", "WARNING", "--without-gossip", "--without-mingle"]
#: One process that runs a hundred jobs at a time.
WAITER = [*COMMAND, "-P", "threads", "-c", str(measures.NAPS_AT_ONCE)]
#: By the kind of pool that is asked for, and how many of them.
WORKERS = {"prefork": ([*COMMAND, "-c", str(measures.PROCESSES)], 1), "threads": (WAITER, 2)}
WORKER, COUNT = WORKERS[os.environ.get("BENCH_POOL", "prefork")]


@cache
def broker() -> redis.Redis:
    """The Redis of the settings."""
    return redis.Redis.from_url(settings().redis_url.get_secret_value())


def left() -> int:
    """Messages that wait."""
    name = list_of(queue=Queue.DEFAULT.value, priority=Priority.NORMAL.value)
    return int(broker().llen(settings().redis_prefix + name))


def all_done() -> bool:
    """Whether no job of the worker's queue is unfinished; the API has its own written down in another."""
    unfinished = select(func.count()).where(Job.queue == Queue.DEFAULT.value, Job.state != State.DONE)
    with reading() as session:
        return not session.scalar(unfinished)


def clean() -> None:
    """An empty ledger and an empty broker."""
    broker().flushall()
    with transaction() as session:
        # What was deleted would still weigh on the tables that the next round is measured on.
        session.execute(delete(Job) if settings().is_sqlite else text("TRUNCATE job CASCADE"))


def accept_batches(jobs: int, *, task: str = "bench.nothing") -> None:
    """As a program that accepts many at once."""
    for _ in range(jobs // measures.BATCH):
        with transaction() as session:
            accept(session, [new_job(task) for _ in range(measures.BATCH)])


def accept_arrivals(sent: list[float]) -> None:
    """Jobs that note how long each took from `sent` to running."""
    with transaction() as session:
        accept(session, [new_job("bench.begin", args=[at]) for at in sent])


def accept_one_by_one(task: Task[..., object], count: int) -> float:
    """Per second, one transaction and one message each."""
    return measures.rate(count, lambda: [task.delay() for _ in range(count)])


def main(jobs: int) -> dict[str, float]:
    revisions.upgrade()
    clean()
    accept_one_by_one(tasks.nothing, measures.UNCOUNTED_JOBS)
    clean()
    figures = {"accepted/s, one by one": accept_one_by_one(tasks.nothing, measures.ONE_BY_ONE)}
    figures |= accepted_through_api()
    accept_batches(measures.UNCOUNTED_JOBS)
    clean()
    jobs = jobs // measures.BATCH * measures.BATCH
    figures["accepted/s, 1,000 at once"] = measures.rate(jobs, lambda: accept_batches(jobs))
    figures["drained/s"] = measures.drained_per_second(
        WORKER, jobs=jobs, left=left, all_done=all_done, workers=COUNT
    )
    figures |= measures.latencies(WORKER, send=tasks.arrive.delay, broker=broker())
    figures["latency p99 ms, at half the drain rate"] = measures.latency_at(
        figures["drained/s"] / 2, WORKER, send=accept_arrivals, workers=COUNT
    )
    clean()
    accept_batches(jobs, task="bench.nap")
    figures["5 ms bodies/s, 100 at once"] = measures.drained_per_second(
        WAITER, jobs=jobs, left=left, all_done=all_done
    )
    return figures


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))

"""How many jobs one, two, four and eight processes do in a second, and two hosts that share a ledger.

    python -m tests.bench.scale.workers [--jobs 10000]

Empty jobs, and ones that wait for 5 ms. A host is a worker with a node name of its own: all are on this
machine, so that what they take of its cores is shown beside what they do.
"""

from __future__ import annotations

import argparse
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.bench.contenders import Servers
from tests.bench.measures import BATCH, FIRST, LAST, LOOK_SECONDS, started, stop
from tests.bench.processes import cpu_seconds, family

if TYPE_CHECKING:
    import subprocess

WORKER = ["celery", "-A", "app.celery_app", "worker", "-I", "tests.bench.tasks,tests.bench.scale.bodies"]
WORKER += ["-Q", "default", "-l", "WARNING", "--without-gossip", "--without-mingle"]
#: Hosts, and processes of each.
SHAPES = ((1, 1), (1, 2), (1, 4), (1, 8), (2, 1), (2, 2), (2, 4))


class Drain(NamedTuple):
    """Jobs a second, and what they took of a core: the workers, PostgreSQL and Redis."""

    rate: float
    cores: tuple[float, float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Servers(Path(folder)) as servers:
        os.environ["GROUNDWORK_SECRET_KEY"] = secrets.token_urlsafe(32)
        os.environ["GROUNDWORK_REDIS_URL"] = os.environ["BENCH_REDIS_URL"] = servers.redis.url
        os.environ["GROUNDWORK_DATABASE_URL"] = servers.database("ledger")
        os.environ["GROUNDWORK_QUEUE_DEPTH_LIMIT"] = "1000000"
        os.environ["GROUNDWORK_LOG_LEVEL"] = "ERROR"
        compare(servers, jobs=given.jobs)


def compare(servers: Servers, *, jobs: int) -> None:
    """Print what each shape does."""
    from app.db.migrations import revisions  # importing it reads the settings

    revisions.upgrade()
    from tests.bench import tasks
    from tests.bench.scale import bodies

    print(f"load {os.getloadavg()[0]:.1f}; of a core: workers, PostgreSQL, Redis")
    for task in (tasks.nothing.name, bodies.rest.name):
        print(f"{task:<24}{'jobs/s':>10}{'of one':>8}{'a core':>8}")
        one = 0.0
        for hosts, processes in SHAPES:
            found = drained(servers, task=task, hosts=hosts, processes=processes, jobs=jobs)
            one = one or found.rate
            shares = "  ".join(f"{share:.2f}" for share in found.cores)
            name = f"{hosts} x {processes} processes"
            # Beside other work, what one core does is what can be told.
            each = found.rate / sum(found.cores)
            print(f"{name:<24}{found.rate:>10.0f}{found.rate / one:>8.2f}{each:>8.0f}   {shares}", flush=True)


def drained(servers: Servers, *, task: str, hosts: int, processes: int, jobs: int) -> Drain:
    """Time the middle of a drain."""
    from tests.bench import drain_ledger

    drain_ledger.clean()
    accept_all(task, jobs=jobs)
    commands = [[*WORKER, "-c", str(processes), "-n", f"bench@host-{host}"] for host in range(hosts)]
    workers = [started(command) for command in commands]
    try:
        wait_for(int(jobs * FIRST))
        at_first, before, began = unfinished(), used(servers, workers), time.perf_counter()
        wait_for(int(jobs * LAST))
        at_last, after, ended = unfinished(), used(servers, workers), time.perf_counter()
    finally:
        for worker in workers:
            stop(worker)
    seconds = ended - began
    shares = [(now - then) / seconds for now, then in zip(after, before, strict=True)]
    return Drain((at_first - at_last) / seconds, (shares[0], shares[1], shares[2]))


def accept_all(task: str, *, jobs: int) -> None:
    from app.db.sessions import transaction
    from app.jobs.accept import accept
    from app.jobs.factory import new_job

    for _ in range(jobs // BATCH):
        with transaction() as session:
            accept(session, [new_job(task) for _ in range(BATCH)])


def unfinished() -> int:
    from sqlalchemy import func, select

    from app.db.sessions import reading
    from app.jobs.ledger.models import Job, State

    with reading() as session:
        return session.scalar(select(func.count()).where(Job.state != State.DONE)) or 0


def wait_for(number: int) -> None:
    """Until no more than this are left."""
    while unfinished() > number:
        time.sleep(LOOK_SECONDS)


def used(servers: Servers, workers: list[subprocess.Popen[bytes]]) -> tuple[float, float, float]:
    """Seconds of processors that the workers, PostgreSQL and Redis have taken."""
    assert servers.postgres.process
    assert servers.redis.process
    roots = [[worker.pid for worker in workers], [servers.postgres.process.pid], [servers.redis.process.pid]]
    taken = [sum(cpu_seconds(pid) for root in each for pid in family(root)) for each in roots]
    return taken[0], taken[1], taken[2]


if __name__ == "__main__":
    main()

"""What ten jobs of one tenant wait for behind ten thousand of another, with and without `partition_by`.

    GROUNDWORK_SECRET_KEY=$(openssl rand -hex 32) python -m tests.bench.fairness [--jobs 10000] [--rounds 3]

Starts a Redis and a PostgreSQL of its own, a beat, and a worker with four processes. With and without take
turns, on the same jobs, which do nothing. The other figure is what `partition_by` costs all of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from sqlalchemy import func, select, text

from app.db.migrations import revisions
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job, State
from app.settings.config import settings
from tests.bench.contenders import Servers
from tests.bench.measures import PROCESSES
from tests.fleet import Fleet
from tests.jobs.running import accept_many
from tests.sample import tasks

TASKS = {"without": tasks.serve_by_order.name, "partition_by": tasks.serve.name}
BATCH = 1000
FEW = 10
#: The small tenant comes when so many of the large one's jobs are done.
UNDER_WAY = 500


def done(ids: list[str] | None = None) -> int:
    """How many jobs are done, of all or of these."""
    chosen = select(func.count()).where(Job.state == State.DONE)
    with reading() as session:
        return session.scalar(chosen if ids is None else chosen.where(Job.id.in_(ids))) or 0


def wait_for(count: int, ids: list[str] | None = None) -> None:
    """Look until so many are done."""
    while done(ids) < count:
        time.sleep(0.02)


def measure(task: str, jobs: int) -> dict[str, float]:
    """Drain a flood with a few of another tenant in it."""
    with transaction() as session:
        session.execute(text("TRUNCATE job CASCADE"))
    for _ in range(jobs // BATCH):
        accept_many(task, "flood", times=BATCH)
    wait_for(UNDER_WAY)
    began = time.perf_counter()
    few = accept_many(task, "small", times=FEW)
    wait_for(FEW, few)
    waited = time.perf_counter() - began
    wait_for(jobs + FEW)
    return {
        "seconds that the few waited": waited,
        "jobs/s of all": (jobs + FEW - UNDER_WAY) / (time.perf_counter() - began),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    figures: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder, Servers(Path(folder)) as servers:
        fleet = Fleet(folder=Path(folder))
        try:
            set_up(servers)
            fleet.start_beat(application="tests.sample.application")
            fleet.start_worker(processes=PROCESSES)
            for _ in range(asked.rounds):
                for name, task in TASKS.items():
                    for what, value in measure(task, asked.jobs).items():
                        figures[what, name].append(value)
        finally:
            fleet.close()
    for (what, name), values in figures.items():
        ratio = statistics.median(values) / statistics.median(figures[what, "without"])
        print(f"{what}, {name}: {statistics.median(values):,.2f} (ratio {ratio:.2f})")


def set_up(servers: Servers) -> None:
    """Point the settings at the servers."""
    servers.postgres.execute("CREATE DATABASE fairness")
    os.environ |= {
        "GROUNDWORK_DATABASE_URL": servers.postgres.url("fairness"),
        "GROUNDWORK_REDIS_URL": servers.redis.url,
        "GROUNDWORK_QUEUE_DEPTH_LIMIT": "1000000",
    }
    settings.cache_clear()
    revisions.upgrade()


if __name__ == "__main__":
    main()

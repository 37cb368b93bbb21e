"""Measures procrastinate with the two processes of two jobs each that served it best on two cores."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import psycopg

from tests.bench import measures, peer
from tests.bench.contenders import PROCESSES

BATCH = 1000
WORKERS = 2
WORKER = ["procrastinate", "--log-level", "warning", "--app", "tests.bench.peer.app", "worker"]
WORKER += ["--concurrency", str(PROCESSES // WORKERS)]


def left() -> int:
    """Jobs that wait."""
    with psycopg.connect(os.environ["BENCH_PEER_URL"]) as connection:
        row = connection.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'").fetchone()
    return int(row[0]) if row else 0


async def fill(jobs: int) -> None:
    """Accept `jobs` in batches."""
    async with peer.app.open_async():
        for _ in range(jobs // BATCH):
            await peer.nothing.batch_defer_async(*[{} for _ in range(BATCH)])


async def prepare() -> None:
    """The tables, emptied."""
    async with peer.app.open_async():
        if not await peer.app.check_connection_async():
            await peer.app.schema_manager.apply_schema_async()


def main(jobs: int) -> dict[str, float]:
    asyncio.run(prepare())
    with psycopg.connect(os.environ["BENCH_PEER_URL"], autocommit=True) as connection:
        connection.execute("TRUNCATE procrastinate_jobs CASCADE")
    jobs = jobs // BATCH * BATCH
    accepted = measures.rate(jobs, lambda: asyncio.run(fill(jobs)))
    drained = measures.drained_per_second(
        WORKER, jobs=jobs, left=left, all_done=lambda: not left(), workers=WORKERS
    )
    return {"accepted/s, 1,000 at once": accepted, "drained/s": drained}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))

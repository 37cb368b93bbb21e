"""Measures procrastinate with the two processes of two jobs each that served it best on two cores."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time

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


async def accepted_per_second(jobs: int) -> float:
    """Accept `jobs` in batches."""
    async with peer.app.open_async():
        await _fill(measures.UNCOUNTED_JOBS)
        _empty()
        gc.freeze()
        began = time.perf_counter()
        await _fill(jobs)
        return jobs / (time.perf_counter() - began)


async def _fill(jobs: int) -> None:
    for _ in range(jobs // BATCH):
        await peer.nothing.batch_defer_async(*[{} for _ in range(BATCH)])


def _empty() -> None:
    with psycopg.connect(os.environ["BENCH_PEER_URL"], autocommit=True) as connection:
        connection.execute("TRUNCATE procrastinate_jobs CASCADE")


async def prepare() -> None:
    """The tables, emptied."""
    async with peer.app.open_async():
        if not await peer.app.check_connection_async():
            await peer.app.schema_manager.apply_schema_async()


def main(jobs: int) -> dict[str, float]:
    asyncio.run(prepare())
    jobs = jobs // BATCH * BATCH
    accepted = asyncio.run(accepted_per_second(jobs))
    drained = measures.drained_per_second(
        WORKER, jobs=jobs, left=left, all_done=lambda: not left(), workers=WORKERS
    )
    return {"accepted/s, 1,000 at once": accepted, "drained/s": drained}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))

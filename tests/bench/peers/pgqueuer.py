"""PgQueuer, whose jobs are rows of PostgreSQL: taken and ended 200 at a time by two processes on uvloop.

Its command fails with the typer of today, so a worker is this module: `BATCH [MOST AT ONCE]`.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar

import asyncpg
import uvloop
from pgqueuer import PgQueuer, run
from pgqueuer.queries import Queries

from tests.bench import measures
from tests.bench.peers.on_postgres import URL, OnPostgres
from tests.bench.peers.peer import ARRIVE, NAP, NOTHING, note_arrival

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from pgqueuer.models import Job

WORKER = "tests.bench.peers.pgqueuer"


@asynccontextmanager
async def manager() -> AsyncIterator[PgQueuer]:
    """What a worker runs."""
    connection = await asyncpg.connect(URL)
    queues = PgQueuer.from_asyncpg_connection(connection)

    @queues.entrypoint(NOTHING)
    async def nothing(job: Job) -> str:
        return "done"

    @queues.entrypoint(NAP)
    async def nap(job: Job) -> None:
        await asyncio.sleep(measures.NAP_SECONDS)

    @queues.entrypoint(ARRIVE)
    async def arrive(job: Job) -> None:
        note_arrival(float(job.payload or 0))

    yield queues
    await connection.close()


class PgQueuerPeer(OnPostgres):
    """Its queries over one connection."""

    worker: ClassVar[list[str]] = [WORKER, "200"]
    workers: ClassVar[int] = 2
    #: It asks for room for two batches.
    waiter: ClassVar[list[str]] = [WORKER, str(measures.NAPS_AT_ONCE // 2), str(measures.NAPS_AT_ONCE)]
    unfinished: ClassVar[str] = "SELECT count(*) FROM pgqueuer"
    truncated: ClassVar[str] = "pgqueuer, pgqueuer_log"

    def __init__(self) -> None:
        self._loop = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._queries = Queries.from_asyncpg_connection(self._loop.run(asyncpg.connect(URL)))
        self._loop.run(self._install())

    async def _install(self) -> None:
        if not await self._queries.has_table("pgqueuer"):
            await self._queries.install()

    def send(self, name: str, *, times: int = 1, arguments: Sequence[float] = ()) -> None:
        payload = str(arguments[0]).encode() if arguments else None
        self._loop.run(self._send(name, payload, times=times))

    async def _send(self, name: str, payload: bytes | None, *, times: int) -> None:
        for _ in range(times):
            await self._queries.enqueue(name, payload)

    def send_batches(self, name: str, *, jobs: int) -> None:
        self._loop.run(self._send_batches(name, jobs=jobs))

    async def _send_batches(self, name: str, *, jobs: int) -> None:
        for _ in range(jobs // measures.BATCH):
            await self._queries.enqueue(
                [name] * measures.BATCH, [None] * measures.BATCH, [0] * measures.BATCH
            )


peer = PgQueuerPeer

if __name__ == "__main__":
    batch, at_once = (*map(int, sys.argv[1:]), None)[:2]
    uvloop.run(run(manager, batch_size=batch or 1, max_concurrent_tasks=at_once))

"""oban, whose jobs are rows of PostgreSQL: two processes on uvloop that run a hundred jobs each at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

import uvloop
from oban import Oban, job
from oban.schema import install
from psycopg_pool import AsyncConnectionPool

from tests.bench import measures
from tests.bench.peers.on_postgres import URL, OnPostgres
from tests.bench.peers.peer import ARRIVE, NAP, NOTHING, note_arrival

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT = 100


@job(queue="default")
async def nothing() -> str:
    """No work at all."""
    return "done"


@job(queue="default")
async def nap() -> None:
    """Wait, as for another service."""
    await asyncio.sleep(measures.NAP_SECONDS)


@job(queue="default")
async def arrive(sent: float) -> None:
    """Note when it ran."""
    note_arrival(sent)


JOBS: dict[str, Any] = {NOTHING: nothing, NAP: nap, ARRIVE: arrive}


class ObanPeer(OnPostgres):
    """Its command, and a client of it."""

    worker: ClassVar[list[str]] = ["oban", "start", "--log-level", "WARNING", "--dsn", URL]
    #: Named, because it would search the whole folder for modules with a timetable.
    worker += ["--queues", f"default:{LIMIT}", "--cron-modules", "tests.bench.peers.oban"]
    workers: ClassVar[int] = 2
    waiter: ClassVar[list[str]] = worker
    unfinished: ClassVar[str] = "SELECT count(*) FROM oban_jobs WHERE state IN ('available', 'executing')"
    truncated: ClassVar[str] = "oban_jobs"

    def __init__(self) -> None:
        self._loop = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._client = self._loop.run(self._connect())

    async def _connect(self) -> Oban:
        pool = AsyncConnectionPool(URL, min_size=1, open=False)
        await pool.open()
        async with pool.connection() as connection:
            known = await connection.execute("SELECT to_regclass('oban_jobs') IS NOT NULL")
            row = await known.fetchone()
        if not row or not row[0]:
            await install(pool)
        # Not started: between two calls its loop stands still, and what ran in it would keep its locks.
        return Oban(pool=pool)

    def send(self, name: str, *, times: int = 1, arguments: Sequence[float] = ()) -> None:
        self._loop.run(self._send(name, arguments, times=times))

    async def _send(self, name: str, arguments: Sequence[float], *, times: int) -> None:
        for _ in range(times):
            await self._client.enqueue(JOBS[name].new(*arguments))

    def send_batches(self, name: str, *, jobs: int) -> None:
        self._loop.run(self._send_batches(name, jobs=jobs))

    async def _send_batches(self, name: str, *, jobs: int) -> None:
        for _ in range(jobs // measures.BATCH):
            await self._client.enqueue_many([JOBS[name].new() for _ in range(measures.BATCH)])


peer = ObanPeer

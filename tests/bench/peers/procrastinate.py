"""procrastinate, whose jobs are rows of PostgreSQL: two processes of two jobs each served it best."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

import procrastinate

from tests.bench import measures
from tests.bench.peers.on_postgres import URL, OnPostgres
from tests.bench.peers.peer import ARRIVE, NAP, NOTHING, note_arrival

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = ["procrastinate", "--log-level", "warning"]
COMMAND += ["--app", "tests.bench.peers.procrastinate.app", "worker"]

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=URL),
    import_paths=["tests.bench.peers.procrastinate"],
)


@app.task(name=NOTHING)
async def nothing() -> str:
    """No work at all."""
    return "done"


@app.task(name=NAP)
async def nap() -> None:
    """Wait, as for another service."""
    await asyncio.sleep(measures.NAP_SECONDS)


@app.task(name=ARRIVE)
async def arrive(sent: float) -> None:
    """Note when it ran."""
    note_arrival(sent)


class ProcrastinatePeer(OnPostgres):
    """Its command, and its application over a pool."""

    worker: ClassVar[list[str]] = [*COMMAND, "--concurrency", "2"]
    workers: ClassVar[int] = 2
    waiter: ClassVar[list[str]] = [*COMMAND, "--concurrency", str(measures.NAPS_AT_ONCE)]
    unfinished: ClassVar[str] = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    truncated: ClassVar[str] = "procrastinate_jobs CASCADE"

    def __init__(self) -> None:
        self._loop = asyncio.Runner()
        self._loop.run(self._open())

    async def _open(self) -> None:
        await app.open_async()
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()

    def send(self, name: str, *, times: int = 1, arguments: Sequence[float] = ()) -> None:
        self._loop.run(self._send(name, arguments, times=times))

    async def _send(self, name: str, arguments: Sequence[float], *, times: int) -> None:
        task, named = app.tasks[name], dict(zip(("sent",), arguments, strict=False))
        for _ in range(times):
            await task.defer_async(**named)

    def send_batches(self, name: str, *, jobs: int) -> None:
        self._loop.run(self._send_batches(name, jobs=jobs))

    async def _send_batches(self, name: str, *, jobs: int) -> None:
        for _ in range(jobs // measures.BATCH):
            await app.tasks[name].batch_defer_async(*[{} for _ in range(measures.BATCH)])


peer = ProcrastinatePeer

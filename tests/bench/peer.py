"""procrastinate, a job queue on PostgreSQL alone: the nearest peer of the ledger."""

from __future__ import annotations

import os

import procrastinate

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=os.environ["BENCH_PEER_URL"]),
    import_paths=["tests.bench.peer"],
)


@app.task(name="peer.nothing")
async def nothing() -> None:
    """No work at all."""

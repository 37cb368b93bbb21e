"""What is compared, each measured in a process of its own: `python -m tests.bench.contenders NAME JOBS`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.servers import PostgresServer, RedisServer

ROOT = Path(__file__).parents[2]
PROCESSES = 4


@dataclass
class Servers:
    """The servers of one run, with the durability they have in production."""

    folder: Path

    def __enter__(self) -> Self:
        self.redis = RedisServer()
        self.redis.start()
        self.postgres = PostgresServer(settings=())
        self.postgres.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.redis.close()
        self.postgres.close()


@dataclass(frozen=True, kw_only=True)
class Contender:
    """Something that takes jobs and runs them."""

    name: str
    module: str
    environment: dict[str, str]

    def measure(self, *, jobs: int) -> dict[str, float]:
        """One round's figures by name."""
        done = subprocess.run(
            [sys.executable, "-m", self.module, str(jobs)],
            env={**os.environ, **self.environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            check=True,
        )
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return figures


def contenders(servers: Servers) -> list[Contender]:
    """All of them, the measure first."""
    redis_url = servers.redis.url
    for name in ("ledger", "peer"):
        servers.postgres.execute(f"CREATE DATABASE {name}")

    def ledger(name: str, database_url: str, *, module: str = "tests.bench.drain_ledger") -> Contender:
        environment = {
            "BENCH_REDIS_URL": redis_url,
            "GROUNDWORK_REDIS_URL": redis_url,
            "GROUNDWORK_DATABASE_URL": database_url,
            "GROUNDWORK_QUEUE_DEPTH_LIMIT": "1000000",
        }
        return Contender(name=name, module=module, environment=environment)

    postgres = servers.postgres.url("ledger")
    return [
        Contender(
            name="plain Celery", module="tests.bench.drain_stock", environment={"BENCH_REDIS_URL": redis_url}
        ),
        ledger("ledger on PostgreSQL", postgres),
        ledger("ledger on SQLite", f"sqlite:///{servers.folder}/ledger.db"),
        ledger("non-durable tasks", postgres, module="tests.bench.drain_light"),
        Contender(
            name="procrastinate",
            module="tests.bench.drain_peer",
            environment={"BENCH_PEER_URL": servers.postgres.url("peer")},
        ),
    ]

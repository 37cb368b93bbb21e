"""What is compared, each measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.bench.peers.environment import OBAN, PEERS, Environment
from tests.servers import PostgresServer, RedisServer

ROOT = Path(__file__).parents[2]
WITHOUT_LEDGER = "tests.bench.drain_light"


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

    def database(self, name: str) -> str:
        """The address of a new and empty one."""
        self.postgres.execute(f"CREATE DATABASE {name}")
        return self.postgres.url(name)

    def __exit__(self, *_: object) -> None:
        self.redis.close()
        self.postgres.close()


@dataclass(frozen=True, kw_only=True)
class Contender:
    """Something that takes jobs and runs them."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    #: Where it runs; none is this one.
    installed: Environment | None = None

    @property
    def python(self) -> str:
        """The interpreter that it runs with. Raises `TooOld`."""
        return self.installed.interpreter if self.installed else sys.executable

    def measure(self, *, jobs: int) -> dict[str, float]:
        """One round's figures by name."""
        done = subprocess.run(
            [self.python, "-m", *self.command, str(jobs)],
            cwd=ROOT,
            env={**os.environ, **self.environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            check=True,
        )
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return figures


def contenders(servers: Servers) -> list[Contender]:
    """All of them, the measure first."""
    postgres = servers.database("ledger")
    return [
        _peer("plain Celery", "stock", servers=servers),
        _peer("plain Celery, two solo", "stock_solo", servers=servers),
        _ledger("ledger on PostgreSQL", postgres, servers=servers),
        _ledger("ledger on PostgreSQL, threads", postgres, servers=servers, BENCH_POOL="threads"),
        _ledger("ledger on SQLite", f"sqlite:///{servers.folder}/ledger.db", servers=servers),
        _ledger("non-durable tasks", postgres, servers=servers, module=WITHOUT_LEDGER),
        _ledger(
            "non-durable tasks, threads",
            postgres,
            servers=servers,
            module=WITHOUT_LEDGER,
            BENCH_POOL="threads",
        ),
        _peer("PgQueuer", "pgqueuer", servers=servers),
        _peer("oban", "oban", servers=servers, installed=OBAN),
        _peer("procrastinate", "procrastinate", servers=servers),
        _peer("taskiq", "taskiq", servers=servers),
        _peer("dramatiq", "dramatiq", servers=servers),
    ]


def _ledger(
    name: str,
    database_url: str,
    *,
    servers: Servers,
    module: str = "tests.bench.drain_ledger",
    **environment: str,
) -> Contender:
    environment |= {
        "BENCH_REDIS_URL": servers.redis.url,
        "GROUNDWORK_REDIS_URL": servers.redis.url,
        "GROUNDWORK_DATABASE_URL": database_url,
        "GROUNDWORK_QUEUE_DEPTH_LIMIT": "1000000",
    }
    return Contender(name=name, command=(module,), environment=environment)


def _peer(name: str, module: str, *, servers: Servers, installed: Environment = PEERS) -> Contender:
    environment = {"BENCH_REDIS_URL": servers.redis.url, "BENCH_PEER_URL": servers.database(module)}
    return Contender(
        name=name, command=("tests.bench.peers", module), environment=environment, installed=installed
    )

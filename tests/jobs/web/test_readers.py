"""Looks at the ledger for requests: equal ones that wait are one, and nobody is given one that is older."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from app.jobs.web.readers import THREADS, Readers
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from app.jobs.ledger.store import Connection
    from tests.servers import PostgresServer


@dataclass
class Ledger:
    """Counts looks at it, each of which takes until it may go on."""

    go: threading.Event = field(default_factory=threading.Event)
    begun: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Look:
    name: str
    ledger: Ledger = field(compare=False)

    def __call__(self, connection: Connection) -> int:
        self.ledger.begun[self.name] += 1
        assert self.ledger.go.wait(20)
        row = connection.execute("SELECT 1").fetchone()
        assert row
        return int(row[0])


def on_readers(work: Callable[[Readers], Any]) -> Any:
    async def run() -> Any:
        readers = Readers()
        try:
            return await work(readers)
        finally:
            await asyncio.to_thread(readers.close)

    return asyncio.run(run())


def test_equal_looks_that_wait_are_one_and_none_that_has_begun_is_shared(database: Engine) -> None:
    ledger = Ledger()

    async def ask(readers: Readers) -> list[int]:
        busy = [asyncio.ensure_future(readers.read(Look(str(number), ledger))) for number in range(THREADS)]
        while len(ledger.begun) < THREADS:
            await asyncio.sleep(0.001)
        again = [asyncio.ensure_future(readers.read(Look("0", ledger))) for _ in range(10)]
        await asyncio.sleep(0)
        ledger.go.set()
        return await asyncio.gather(*busy, *again)

    assert on_readers(ask) == [1] * (THREADS + 10)
    assert ledger.begun["0"] == 2


@pytest.mark.databases("postgresql")
def test_a_restart_of_the_database_in_between_is_not_noticed(
    database: Engine, postgres_server: PostgresServer
) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT 1' AND state = 'idle'"

    async def ask(readers: Readers) -> list[int]:
        looks = [Look(str(number), Ledger()) for number in range(2 * THREADS)]
        for look in looks:
            look.ledger.go.set()
        before = [await readers.read(look) for look in looks]
        await asyncio.to_thread(postgres_server.execute, end)
        return before + [await readers.read(look) for look in looks]

    assert on_readers(ask) == [1] * 4 * THREADS


@pytest.mark.databases("postgresql")
def test_without_the_database_whoever_asks_is_told(database: Engine, configure: Callable[..., None]) -> None:
    configure(database_url=f"postgresql://groundwork@127.0.0.1:{free_port()}/nowhere")
    with pytest.raises(psycopg.OperationalError):
        on_readers(lambda readers: readers.read(Look("", Ledger())))

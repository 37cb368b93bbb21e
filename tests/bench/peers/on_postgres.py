"""What peers have in common whose jobs are rows."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any, ClassVar

import psycopg

from tests.bench.peers.peer import Peer, broker

URL = os.environ["BENCH_PEER_URL"]


class OnPostgres(Peer):
    """A peer that keeps its jobs in PostgreSQL."""

    unfinished: ClassVar[str]
    truncated: ClassVar[str]

    @cached_property
    def _connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        # It empties tables, for which it would wait for ever where somebody kept a lock.
        return psycopg.connect(URL, autocommit=True, options="-c lock_timeout=60s")

    def left(self) -> int:
        row = self._connection.execute(self.unfinished.encode()).fetchone()
        return int(row[0]) if row else 0

    def empty(self) -> None:
        broker().flushall()
        self._connection.execute(f"TRUNCATE {self.truncated}".encode())

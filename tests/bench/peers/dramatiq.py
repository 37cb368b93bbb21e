"""dramatiq on Redis: two processes of 64 threads, for it fetches twice as many messages at once."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, ClassVar

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from tests.bench import measures
from tests.bench.peers import peer as peers

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = ["dramatiq", "tests.bench.peers.dramatiq", "--skip-logging"]
#: Each thread acknowledges over one of its own, and redis-py keeps no more than a hundred by itself.
CONNECTIONS = 2 * measures.NAPS_AT_ONCE

broker = RedisBroker(url=f"{os.environ['BENCH_REDIS_URL']}?max_connections={CONNECTIONS}")
dramatiq.set_broker(broker)


@dramatiq.actor
def nothing() -> None:
    """No work at all; what returns something without a place for results is warned of."""


@dramatiq.actor
def nap() -> None:
    """Wait, as for another service."""
    time.sleep(measures.NAP_SECONDS)


@dramatiq.actor
def arrive(sent: float) -> None:
    """Note when it ran."""
    peers.note_arrival(sent)


class DramatiqPeer(peers.OnRedis):
    """Its command, and its broker."""

    worker: ClassVar[list[str]] = [*COMMAND, "--processes", "2", "--threads", "64"]
    waiter: ClassVar[list[str]] = [*COMMAND, "--processes", "1", "--threads", str(measures.NAPS_AT_ONCE)]
    has_batches: ClassVar[bool] = False

    def send(self, name: str, *, times: int = 1, arguments: Sequence[float] = ()) -> None:
        actor = broker.get_actor(name)
        for _ in range(times):
            actor.send(*arguments)

    def send_batches(self, name: str, *, jobs: int) -> None:
        self.send(name, times=jobs)

    def left(self) -> int:
        return int(peers.broker().hlen("dramatiq:default.msgs"))


peer = DramatiqPeer

"""taskiq on streams of Redis: two processes with a hundred jobs each at a time, acknowledged when done."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, ClassVar

import uvloop
from taskiq_redis import RedisStreamBroker

from tests.bench import measures
from tests.bench.peers import peer as peers

if TYPE_CHECKING:
    from collections.abc import Sequence

STREAM = "taskiq"
COMMAND = ["taskiq", "worker", "tests.bench.peers.taskiq:broker", "--log-level", "WARNING"]
#: Arguments are taken as they come; pydantic would look at them first.
COMMAND += ["--max-async-tasks", str(measures.NAPS_AT_ONCE), "--no-parse"]

#: Without a place for results, which would cost it a round trip more.
broker = RedisStreamBroker(os.environ["BENCH_REDIS_URL"], queue_name=STREAM)


@broker.task(task_name=peers.NOTHING)
async def nothing() -> str:
    """No work at all."""
    return "done"


@broker.task(task_name=peers.NAP)
async def nap() -> None:
    """Wait, as for another service."""
    await asyncio.sleep(measures.NAP_SECONDS)


@broker.task(task_name=peers.ARRIVE)
async def arrive(sent: float) -> None:
    """Note when it ran."""
    peers.note_arrival(sent)


class TaskiqPeer(peers.OnRedis):
    """Its command, and its broker."""

    worker: ClassVar[list[str]] = [*COMMAND, "--workers", "2"]
    waiter: ClassVar[list[str]] = [*COMMAND, "--workers", "1"]
    has_batches: ClassVar[bool] = False

    def __init__(self) -> None:
        self._loop = asyncio.Runner(loop_factory=uvloop.new_event_loop)

    def empty(self) -> None:
        super().empty()
        # Messages from before there is a group of consumers go to nobody.
        self._loop.run(broker.startup())

    def send(self, name: str, *, times: int = 1, arguments: Sequence[float] = ()) -> None:
        self._loop.run(self._send(name, arguments, times=times))

    async def _send(self, name: str, arguments: Sequence[float], *, times: int) -> None:
        task = broker.find_task(name)
        assert task
        for _ in range(times):
            await task.kiq(*arguments)

    def send_batches(self, name: str, *, jobs: int) -> None:
        self.send(name, times=jobs)

    def left(self) -> int:
        group = peers.broker().xinfo_groups(STREAM)[0]
        return int(group["lag"] or 0) + int(group["pending"])


peer = TaskiqPeer

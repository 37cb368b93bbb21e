"""Plain Celery, without a ledger: what everything is measured against.

Messages are acknowledged late and results are not kept, which would cost it a round trip more. Four processes
with one job each in advance; a prefetch of 4 to 256 brings it 7 % at most.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, ClassVar

from celery import Celery

from tests.bench import measures
from tests.bench.peers.peer import OnRedis, broker, note_arrival

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = ["celery", "-A", "tests.bench.peers.stock", "worker", "-l", "WARNING"]
COMMAND += ["--without-gossip", "--without-mingle"]

app = Celery("stock", broker=os.environ["BENCH_REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    accept_content=["json"],
    worker_hijack_root_logger=False,
)


@app.task(name="nothing")
def nothing() -> str:
    """No work at all."""
    return "done"


@app.task(name="nap")
def nap() -> None:
    """Wait, as for another service."""
    time.sleep(measures.NAP_SECONDS)


@app.task(name="arrive")
def arrive(sent: float) -> None:
    """Note when it ran."""
    note_arrival(sent)


class Stock(OnRedis):
    """Prefork."""

    worker: ClassVar[list[str]] = [*COMMAND, "-c", str(measures.PROCESSES)]
    waiter: ClassVar[list[str]] = [*COMMAND, "-P", "threads", "-c", str(measures.NAPS_AT_ONCE)]

    def send(self, name: str, *, times: int = 1, arguments: Sequence[float] = ()) -> None:
        task = app.tasks[name]
        for _ in range(times):
            task.delay(*arguments)

    def send_batches(self, name: str, *, jobs: int) -> None:
        task = app.tasks[name]
        with app.amqp.producer_pool.acquire(block=True) as acquired:
            # Batches are newer than the stubs.
            producer: Any = acquired
            with producer.batch(measures.BATCH):
                for _ in range(jobs):
                    task.apply_async(producer=producer)

    def left(self) -> int:
        return int(broker().llen("celery")) + int(broker().hlen("unacked"))


peer = Stock

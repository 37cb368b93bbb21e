"""How rates and latencies are taken, the same way for every contender."""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.servers import stop

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

#: Sent before the clock starts, by each contender: a process connects and learns its statements once.
UNCOUNTED_JOBS = 1000
#: A drain is timed between these shares of the queue, so that neither start nor end counts.
FIRST, LAST = 0.9, 0.05
LATENCY_JOBS = 300
#: Time between two jobs when the latency of an idle service is taken.
PAUSE_SECONDS = 0.01


def rate(count: int, work: Callable[[], object]) -> float:
    """Per second, for work that does `count` of something."""
    # As services do once they have started; each contender's own time, not that of the modules it loaded.
    gc.freeze()
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def drained_per_second(
    worker: list[str],
    *,
    jobs: int,
    left: Callable[[], int],
    all_done: Callable[[], bool],
    workers: int = 1,
) -> float:
    """Start workers on a full queue and time the middle of their work."""
    processes = [started(worker) for _ in range(workers)]
    while left() > jobs * FIRST:
        time.sleep(0.005)
    began, at_first = time.perf_counter(), left()
    while (at_last := left()) > jobs * LAST:
        time.sleep(0.005)
    seconds = time.perf_counter() - began
    while not all_done():
        time.sleep(0.02)
    for process in processes:
        stop(process)
    return (at_first - at_last) / seconds


def started(worker: list[str]) -> subprocess.Popen[bytes]:
    """Celery with these arguments."""
    return subprocess.Popen([sys.executable, "-m", *worker], stdout=subprocess.DEVNULL, stderr=sys.stderr)


def latencies(worker: list[str], *, send: Callable[[float], object], broker: redis.Redis) -> dict[str, float]:
    """Milliseconds from sending to running while nothing else is to do."""
    process = started(worker)
    broker.delete("arrivals")
    send(time.time())
    while not broker.llen("arrivals"):
        time.sleep(0.02)
    for _ in range(LATENCY_JOBS):
        send(time.time())
        time.sleep(PAUSE_SECONDS)
    while broker.llen("arrivals") < LATENCY_JOBS + 1:
        time.sleep(0.02)
    stop(process)
    # The first waited for the worker to start.
    taken = [float(value) * 1000 for value in broker.lrange("arrivals", 1, -1)]
    return {
        "latency p50 ms": statistics.median(taken),
        "latency p99 ms": statistics.quantiles(taken, n=100)[98],
    }

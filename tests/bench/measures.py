"""How rates and latencies are taken, the same way for every contender.

Peers measure themselves with it in environments of their own: it imports nothing but the standard library.
"""

from __future__ import annotations

import gc
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

#: Of a worker that has a process for each job it runs.
PROCESSES = 4
#: How many jobs come at once where many do.
BATCH = 1000
#: Sent before the clock starts, by each contender: a process connects and learns its statements once.
UNCOUNTED_JOBS = 1000
#: Accepted one by one, each in its own round trip.
ONE_BY_ONE = 2000
#: A drain is timed between these shares of the queue, so that neither start nor end counts.
FIRST, LAST = 0.9, 0.05
#: Between two looks at how much is left; a database that counts its rows works for nobody else meanwhile.
LOOK_SECONDS = 0.05
#: So long a drain may stand still: workers start in it, and nothing else takes as long.
PATIENCE_SECONDS = 120
LATENCY_JOBS = 300
#: Time between two jobs when the latency of an idle service is taken.
PAUSE_SECONDS = 0.01
#: While jobs come at a rate: a batch of them after each, and how often; the first quarter does not count.
STEP_SECONDS = 0.01
STEPS = 600
#: What a body sleeps that only waits, and how many wait at once in one process.
NAP_SECONDS = 0.005
NAPS_AT_ONCE = 100
#: Names the file in which bodies note how long they waited.
WAITS = "BENCH_WAITS"
_NOTE = struct.Struct("<d")


def rate(count: int, work: Callable[[], object]) -> float:
    """Per second, for work that does `count` of something."""
    # As services do once they have started; each contender's own time, not that of the modules it loaded.
    gc.freeze()
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def latency_at(
    per_second: float, worker: list[str], *, send: Callable[[list[float]], object], workers: int = 1
) -> float:
    """Milliseconds from sending to running (p99) while jobs come at this rate; a body calls `note_wait`."""
    count = max(round(per_second * STEP_SECONDS), 1)
    with tempfile.NamedTemporaryFile() as noted, set_in_environment(WAITS, noted.name):
        with running(worker, workers=workers):
            send([time.time()])
            _await_notes(noted.name, 1)
            began = time.perf_counter()
            for step in range(STEPS):
                time.sleep(max(began + step * STEP_SECONDS - time.perf_counter(), 0))
                send([time.time()] * count)
            _await_notes(noted.name, STEPS * count + 1)
        taken: list[float] = [seconds * 1000 for (seconds,) in _NOTE.iter_unpack(noted.read())]
    return statistics.quantiles(taken[len(taken) // 4 :], n=100)[98]


@contextmanager
def set_in_environment(name: str, value: str) -> Iterator[None]:
    """Have workers that are started in the block know this."""
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


def note_wait(sent: float) -> None:
    """Note how long this job took from being sent to being run, at a cost far below that of any job."""
    os.write(_notes(os.environ[WAITS]), _NOTE.pack(time.time() - sent))


@cache
def _notes(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND)


def _await_notes(path: str, number: int) -> None:
    while Path(path).stat().st_size < number * _NOTE.size:
        time.sleep(0.02)


def drained_per_second(
    worker: list[str],
    *,
    jobs: int,
    left: Callable[[], int],
    all_done: Callable[[], bool] | None = None,
    workers: int = 1,
) -> float:
    """Start workers on a full queue and time the middle of their work."""
    with running(worker, workers=workers) as processes:
        at_first = _left_at_most(int(jobs * FIRST), left=left, processes=processes)
        began = time.perf_counter()
        at_last = _left_at_most(int(jobs * LAST), left=left, processes=processes)
        seconds = time.perf_counter() - began
        if at_last >= at_first:
            raise SystemExit(f"{jobs} jobs were done before they could be timed. Give more with --jobs.")
        while not (all_done or (lambda: not left()))():
            time.sleep(LOOK_SECONDS)
    return (at_first - at_last) / seconds


def _left_at_most(number: int, *, left: Callable[[], int], processes: list[subprocess.Popen[bytes]]) -> int:
    """How many are left, once it is no more than this."""
    least, moved = sys.maxsize, time.monotonic()
    while (now_left := left()) > number:
        if now_left < least:
            least, moved = now_left, time.monotonic()
        ended = [process for process in processes if process.poll() is not None]
        if ended or time.monotonic() > moved + PATIENCE_SECONDS:
            what = "ended" if ended else f"did nothing for {PATIENCE_SECONDS} s"
            raise SystemExit(f"A worker {what} with {now_left} jobs left; what it said stands above.")
        time.sleep(LOOK_SECONDS)
    return now_left


@contextmanager
def running(worker: list[str], *, workers: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Workers, until the block ends."""
    processes = [started(worker) for _ in range(workers)]
    try:
        yield processes
    finally:
        for process in processes:
            stop(process)


def started(worker: list[str]) -> subprocess.Popen[bytes]:
    """This Python with a module and its arguments."""
    command = [sys.executable, "-W", "ignore", "-m", *worker]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=sys.stderr)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and wait until it has."""
    process.terminate()
    try:
        process.wait(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def latencies(
    worker: list[str], *, send: Callable[[float], object], broker: redis.Redis, workers: int = 1
) -> dict[str, float]:
    """Milliseconds from sending to running while nothing else is to do."""
    with running(worker, workers=workers):
        broker.delete("arrivals")
        send(time.time())
        while not broker.llen("arrivals"):
            time.sleep(0.02)
        for _ in range(LATENCY_JOBS):
            send(time.time())
            time.sleep(PAUSE_SECONDS)
        while broker.llen("arrivals") < LATENCY_JOBS + 1:
            time.sleep(0.02)
    # The first waited for the worker to start.
    taken = [float(value) * 1000 for value in broker.lrange("arrivals", 1, -1)]
    return {
        "latency p50 ms": statistics.median(taken),
        "latency p99 ms": statistics.quantiles(taken, n=100)[98],
    }

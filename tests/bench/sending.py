"""Accepting beside plain Celery's sending, in one process and in turns of a fraction of a second.

    python -m tests.bench.sending [--database postgresql|sqlite] [--turns 40]

A machine that changes its pace changes it for both. A ratio is to a plain `.delay()` in the same run: above 1
is faster. Both databases work with full durability; how long a commit and a message take alone stands below.
"""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from celery import Celery
from rich.console import Console
from rich.table import Table

from tests.bench.contenders import Servers

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Task

IN_MEMORY = "/dev/shm"
CALLS = 50
BATCH = 1000
#: Turns that do not count.
WARM_UP = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--in-memory", action="store_true", help="without the disk: what is left is work")
    asked = parser.parse_args()
    if asked.in_memory:
        tempfile.tempdir = IN_MEMORY
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as name, Servers(Path(name)) as servers:
        postgresql, sqlite = servers.database("bench"), f"sqlite:///{name}/groundwork.db"
        os.environ |= {
            "GROUNDWORK_SECRET_KEY": secrets.token_urlsafe(32),
            "GROUNDWORK_LOG_LEVEL": "WARNING",
            "GROUNDWORK_QUEUE_DEPTH_LIMIT": "10000000",
            "GROUNDWORK_REDIS_URL": servers.redis.url,
            "GROUNDWORK_DATABASE_URL": postgresql if asked.database == "postgresql" else sqlite,
            "BENCH_REDIS_URL": servers.redis.url,
        }
        works = _works(plain=_plain(servers.redis.url))
        taken = _in_turns(works, turns=asked.turns)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    Console(width=100).print(_report(taken, asked.database), f"Load at the end: {load}")


def _plain(url: str) -> Task[..., object]:
    """A task of Celery without a ledger."""
    app = Celery("plain", broker=url, set_as_current=False)
    app.conf.update(task_acks_late=True, task_ignore_result=True)

    @app.task(name="plain.nothing")
    def nothing() -> None:
        """No work at all."""

    found: Task[..., object] = nothing
    return found


def _works(*, plain: Task[..., object]) -> dict[str, tuple[int, Callable[[], object]]]:
    """How many of something each does, and what."""
    # Not above: what these load reads the settings.
    from app.db.migrations import revisions
    from app.jobs.broker.redis import client
    from app.jobs.ledger import store
    from tests.bench import drain_ledger, tasks

    revisions.upgrade()
    connection = store.connection()
    connection.execute("CREATE TABLE one (number integer)")
    return {
        "plain Celery, .delay()": (CALLS, lambda: [plain.delay() for _ in range(CALLS)]),
        "ledger, .delay()": (CALLS, lambda: [tasks.nothing.delay() for _ in range(CALLS)]),
        "non-durable, .delay()": (CALLS, lambda: [tasks.nothing_light.delay() for _ in range(CALLS)]),
        "ledger, 1,000 at once": (BATCH, lambda: drain_ledger.accept_batches(BATCH)),
        "a row and its commit alone": (
            CALLS,
            lambda: [connection.execute("INSERT INTO one VALUES (1)") for _ in range(CALLS)],
        ),
        "a message alone": (CALLS, lambda: [client().lpush("one", b"x" * 700) for _ in range(CALLS)]),
    }


def _in_turns(works: dict[str, tuple[int, Callable[[], object]]], *, turns: int) -> dict[str, list[float]]:
    """Seconds for one, by turn."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(turns + WARM_UP):
        for name, (count, work) in works.items():
            gc.collect()
            gc.freeze()
            began = time.perf_counter()
            work()
            if turn >= WARM_UP:
                taken[name].append((time.perf_counter() - began) / count)
    return taken


def _report(taken: dict[str, list[float]], database: str) -> Table:
    table = Table(title=f"Accepting, on {database}: medians of {len(next(iter(taken.values())))} turns")
    for column in ("what", "per second", "µs", "fastest µs", "times plain Celery"):
        table.add_column(column, justify="left" if column == "what" else "right")
    plain = next(iter(taken.values()))
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        ratio = statistics.median(first / other for first, other in zip(plain, seconds, strict=True))
        figures = (f"{1 / median:,.0f}", f"{median * 1e6:,.1f}", f"{min(seconds) * 1e6:,.1f}", f"{ratio:.2f}")
        table.add_row(name, *figures)
    return table


if __name__ == "__main__":
    main()

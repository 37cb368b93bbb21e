"""What `tests.bench.against` has one of the two checkouts do: a step for each line that comes in.

It runs in the other checkout too, with the modules of that, on the servers of the settings.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from app.db.migrations import revisions
from app.jobs.publish import publisher
from tests.bench import drain_ledger, measures, tasks, through_api
from tests.servers import stop

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    import httpx

#: Of what is too short for the clock.
CALLS = 20
BATCH = 1000
DRAINED = 3000


class Steps:
    """Each takes seconds, and says how many."""

    def __init__(self, client: httpx.Client) -> None:
        self._broker = drain_ledger.broker()
        self._worker: subprocess.Popen[bytes] | None = None
        self.by_name: dict[str, Callable[[], float | None]] = {
            "accept": _timed(lambda: [tasks.nothing.delay() for _ in range(CALLS)]),
            "accept 1,000": _timed(lambda: drain_ledger.accept_batches(BATCH)),
            "non-durable": _timed(lambda: [tasks.nothing_light.delay() for _ in range(CALLS)]),
            "API": _timed(lambda: client.post("/jobs", json=through_api.JOB).raise_for_status()),
            "API 1,000": _timed(lambda: through_api.batch(client)),
            "latency": self.latency,
            "drain": drain,
            "start worker": self.start_worker,
            "stop worker": self.stop_worker,
        }

    def start_worker(self) -> None:
        """A worker that has run a job."""
        clean()
        self._worker = measures.started(drain_ledger.WORKER)
        self.latency()

    def stop_worker(self) -> None:
        """End the worker, if there is one."""
        if self._worker is not None:
            stop(self._worker)
            self._worker = None

    def latency(self) -> float:
        """From sending a job to running it."""
        before = self._broker.llen("arrivals")
        tasks.arrive.delay(time.time())
        while self._broker.llen("arrivals") == before:
            time.sleep(0.001)
        return float(self._broker.lindex("arrivals", -1) or 0)


def clean() -> None:
    """An empty ledger and an empty broker, which this process no longer takes for full."""
    drain_ledger.clean()
    publisher.close()


def drain() -> float:
    """A job of a full queue, with a worker that is started for it."""
    clean()
    drain_ledger.accept_batches(DRAINED)
    return 1 / measures.drained_per_second(
        drain_ledger.WORKER, jobs=DRAINED, left=drain_ledger.left, all_done=drain_ledger.all_done
    )


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    return lambda: 1 / measures.rate(1, work)


def main() -> None:
    revisions.upgrade()
    with through_api.served() as client:
        steps = Steps(client)
        print("ready", flush=True)
        for line in sys.stdin:
            print(steps.by_name[line.strip()](), flush=True)
        steps.stop_worker()


if __name__ == "__main__":
    main()

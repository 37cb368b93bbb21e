"""A child of a worker that dies is noticed when it does, and its job runs again."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from kombu.asynchronous import Hub

from app.jobs.ledger.models import Outcome, State
from app.worker.pools.prefork import WatchedPool
from tests.fleet import of_processes
from tests.jobs.running import attempts_of, ended
from tests.sample import lives
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fleet import Fleet


@pytest.fixture
def hub() -> Iterator[Hub]:
    with closing(Hub()) as made:
        yield made


def test_each_dead_child_is_replaced_though_nobody_looks_for_it(hub: Hub) -> None:
    pool: Any = WatchedPool(processes=2, threads=False, max_restarts=100)
    try:
        pool.register_with_event_loop(hub)
        # Celery's own look at its children every five seconds, among others.
        hub.timer.clear()
        hub.call_repeatedly(0.1, int)
        loop = hub.create_loop()

        def is_replaced(pid: int) -> bool:
            next(loop)
            return pid not in children()

        def children() -> set[int]:
            return {child.pid for child in pool._pool}

        for _ in range(20):
            killed = min(children())
            os.kill(killed, signal.SIGKILL)
            wait_until(partial(is_replaced, killed), seconds=5, what="a child takes its place")
            assert len(children()) == 2
    finally:
        pool.terminate()


@of_processes
@pytest.mark.databases("postgresql")
def test_the_job_of_a_dead_child_runs_again_without_beat(
    fleet: Fleet, configure: Callable[..., None], tmp_path: Path
) -> None:
    configure(lease_seconds=600)
    fleet.include = "tests.sample.lives"
    fleet.start_worker(processes=2)
    path = tmp_path / "go"
    job_id = str(lives.write_when_told.delay(str(path)).id)
    began = [path.with_name(f"{path.name}.{number}") for number in (1, 2)]
    wait_until(began[0].exists, seconds=10, what="the job runs")
    os.kill(int(began[0].read_text()), signal.SIGKILL)
    wait_until(began[1].exists, seconds=10, what="it runs again")
    path.touch()
    done = ended(job_id)
    assert (done.state, done.attempt, lives.written(str(path))) == (State.DONE, 2, ["2"])
    [lost] = attempts_of(job_id)
    assert lost.outcome == Outcome.LOST
    assert "signal 9 (SIGKILL)" in str(lost.error)

"""A worker that is told to end takes nothing more, and harms none of its jobs."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from celery.result import AsyncResult
from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.ledger.models import Outcome, State, Worker
from app.settings.config import settings
from app.worker.drain import TIMEOUT_SECONDS
from app.worker.generations import live_workers
from app.worker.order import Order
from tests.jobs.broker import waiting
from tests.jobs.conftest import point_celery_at_broker
from tests.jobs.running import attempts_of, ended, job_of, wait_for_state
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fleet import Fleet, Process
    from tests.servers import RedisServer

pytestmark = pytest.mark.databases("postgresql")

#: What a worker needs beyond its jobs to go.
LEAVE_SECONDS = 8


def start_waiting(path: Path) -> str:
    """A job that runs until `path` is there."""
    job_id = str(tasks.wait_for_file.delay(str(path)).id)
    wait_until(path.with_name(f"{path.name}.started").exists, seconds=10, what="the job runs")
    return job_id


def nodes() -> set[str]:
    with reading() as session:
        return set(session.scalars(select(Worker.node).where(~Worker.signed_off)))


def tell(worker: Process, order: Order) -> None:
    os.kill(worker.popen.pid, order.value)


def has_ended(worker: Process) -> bool:
    return worker.popen.poll() is not None


def test_a_worker_that_stands_down_keeps_its_job_until_that_has_ended(fleet: Fleet, tmp_path: Path) -> None:
    old = fleet.start_worker("standard", processes=2)
    job_id = start_waiting(tmp_path / "go")
    tell(old, Order.DRAIN)
    wait_until(lambda: not nodes(), seconds=5, what="it is none of the fleet's workers")
    later = tasks.add.delay(1, 2)
    time.sleep(2 * settings().lease_seconds)
    still = job_of(job_id)
    assert (still.state, still.attempt, job_of(later.id).state) == (State.RUNNING, 1, State.READY)
    assert not has_ended(old)

    fleet.start_worker("next")
    assert (ended(later.id).worker or "").startswith("next@")
    (tmp_path / "go").touch()
    wait_until(lambda: has_ended(old), seconds=LEAVE_SECONDS, what="it ends after its job")
    done = job_of(job_id)
    assert (done.state, done.fence, attempts_of(job_id)) == (State.DONE, 1, [])
    assert old.popen.returncode == 0


def test_what_is_sent_while_a_worker_stands_down_is_done_or_still_in_the_queue(
    fleet: Fleet, redis_server: RedisServer
) -> None:
    old = fleet.start_worker("standard", processes=2)
    ended(tasks.add.delay(1, 2).id)
    tell(old, Order.DRAIN)
    sent = []
    while not has_ended(old):
        sent.append(tasks.add.delay(1, 2).id)
        time.sleep(0.01)
    assert set(waiting(redis_server)) == {job_id for job_id in sent if job_of(job_id).state != State.DONE}


def test_the_time_limit_of_a_task_holds_while_its_worker_stands_down(fleet: Fleet) -> None:
    old = fleet.start_worker("standard", processes=1)
    job_id = str(tasks.never_end.delay().id)
    wait_for_state(job_id, State.RUNNING)
    tell(old, Order.DRAIN)
    wait_until(lambda: has_ended(old), seconds=LEAVE_SECONDS + 2, what="it ends")
    assert job_of(job_id).state == State.DEAD


def test_a_worker_that_stops_leaves_as_soon_as_its_job_has_ended(
    fleet: Fleet, configure: Callable[..., None], tmp_path: Path
) -> None:
    configure(soft_shutdown_seconds=60)
    worker = fleet.start_worker("standard", processes=1)
    job_id = start_waiting(tmp_path / "go")
    tell(worker, Order.STOP)
    (tmp_path / "go").touch()
    wait_until(lambda: has_ended(worker), seconds=LEAVE_SECONDS, what="it has stopped")
    assert (job_of(job_id).state, attempts_of(job_id), worker.popen.returncode) == (State.DONE, [], 0)


def test_a_worker_that_is_told_twice_to_stop_gives_its_job_back_at_once(
    fleet: Fleet, configure: Callable[..., None], tmp_path: Path
) -> None:
    configure(soft_shutdown_seconds=60)
    worker = fleet.start_worker("standard", processes=1)
    job_id = start_waiting(tmp_path / "go")
    tell(worker, Order.STOP)
    time.sleep(0.5)
    tell(worker, Order.STOP)
    wait_until(lambda: has_ended(worker), seconds=LEAVE_SECONDS, what="it has stopped")
    assert job_of(job_id).state == State.READY
    assert [attempt.outcome for attempt in attempts_of(job_id)] == [Outcome.RELEASED]


def test_who_has_taken_over_stops_those_before_it_too_and_goes_last(fleet: Fleet, tmp_path: Path) -> None:
    pidfile = tmp_path / "worker.pid"
    known_by = ("--without-gossip", "--without-mingle", f"--announce={pidfile}")
    old = fleet.start_worker("standard", processes=1, options=known_by)
    job_id = start_waiting(tmp_path / "go")
    new = fleet.start_worker("standard", processes=1, options=(*known_by, "-n", "standard@%h+2"))
    wait_until(lambda: pidfile.read_text() == f"{new.popen.pid}\n", seconds=5, what="the new one is named")
    tell(old, Order.DRAIN)

    new.popen.send_signal(signal.SIGTERM)
    stop_seconds = settings().soft_shutdown_seconds + TIMEOUT_SECONDS
    wait_until(lambda: has_ended(new), seconds=stop_seconds, what="it stops")
    assert not live_workers(pidfile)
    # The kernel takes the lock of a process a moment before it tells the parent.
    wait_until(lambda: has_ended(old), seconds=1, what="so has the one before it")
    assert not pidfile.exists()
    assert job_of(job_id).state == State.READY


def test_a_worker_that_stands_down_can_still_be_asked_to_cancel(fleet: Fleet, tmp_path: Path) -> None:
    point_celery_at_broker()
    old = fleet.start_worker("standard", processes=1)
    job_id = start_waiting(tmp_path / "go")
    tell(old, Order.DRAIN)
    wait_until(lambda: not nodes(), seconds=5, what="it is none of the fleet's workers")
    AsyncResult(job_id).revoke(terminate=True)
    wait_until(lambda: has_ended(old), seconds=LEAVE_SECONDS, what="it ends with its job")
    assert job_of(job_id).state == State.CANCELLED

"""A worker that is killed, or stands still, loses nothing and repeats no effect."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Attempt, Job, Outcome, State, Worker
from tests.faults.ledger import effects, wait_for_more_effects, wait_until_all_done
from tests.jobs.running import attempts_of, ended, job_of
from tests.sample import lives, tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fleet import Fleet, Process


def test_a_job_whose_worker_is_killed_runs_again_elsewhere(fleet: Fleet, tmp_path: Path) -> None:
    first = fleet.start_worker("first")
    fleet.start_beat()
    result = tasks.wait_for_file.delay(str(tmp_path / "go"))
    wait_until((tmp_path / "go.started").exists, seconds=10, what="the job runs")
    first.kill()
    (tmp_path / "go").touch()
    fleet.start_worker("second")
    assert result.get(timeout=30) == "seen"
    with reading() as session:
        attempt = session.scalars(select(Attempt).where(Attempt.job_id == result.id)).one()
    assert attempt.outcome == Outcome.LOST


def test_every_job_is_done_once_in_effect_however_often_workers_are_killed(fleet: Fleet) -> None:
    names = [f"{number:04}" for number in range(400)]
    fleet.start_beat()
    with transaction():
        for name in names:
            tasks.record_effect.delay(name)
    for number in range(4):
        worker = fleet.start_worker(f"worker{number}")
        wait_for_more_effects(40, of=len(names))
        worker.kill()
    fleet.start_worker("last")
    wait_until_all_done()
    assert effects() == names


@pytest.mark.databases("postgresql")
def test_a_worker_that_stood_still_comes_too_late(fleet: Fleet, tmp_path: Path) -> None:
    fleet.include = "tests.sample.lives"
    path = tmp_path / "go"
    began = [path.with_name(f"{path.name}.{number}") for number in (1, 2)]
    stalled = fleet.start_worker("stalled", processes=1)
    fleet.start_beat()
    job_id = str(lives.write_when_told.delay(str(path)).id)
    wait_until(began[0].exists, seconds=10, what="the job runs")
    with standing_still(stalled):
        # Were it for its lease, the job would stay with it.
        with transaction() as session:
            session.execute(update(Job).values(lease_until=clock(600)))
        fleet.start_worker("other", processes=1)
        wait_until(began[1].exists, seconds=30, what="another runs it")
    path.with_name(f"{path.name}.go1").touch()
    wait_until(lambda: "lease_lost" in stalled.log.read_text(), seconds=10, what="the first one is refused")
    assert (lives.written(str(path)), job_of(job_id).state) == ([], State.RUNNING)
    path.touch()
    done = ended(job_id)
    assert (done.state, done.attempt, lives.written(str(path))) == (State.DONE, 2, ["2"])
    assert [(lost.outcome, "sent no heartbeat" in str(lost.error)) for lost in attempts_of(job_id)] == [
        (Outcome.LOST, True)
    ]
    wait_until(lambda: is_heard_of("stalled"), seconds=10, what="it goes on as before")


@contextmanager
def standing_still(worker: Process) -> Iterator[None]:
    """It and its children do nothing, and do not die of it."""
    os.killpg(worker.popen.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(worker.popen.pid, signal.SIGCONT)


def is_heard_of(name: str) -> bool:
    recently = Worker.name.startswith(f"{name}@") & (Worker.seen_at > clock(-2)) & ~Worker.signed_off
    with reading() as session:
        return bool(session.scalars(select(Worker.name).where(recently)).all())

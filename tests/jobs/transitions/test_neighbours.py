"""A worker that has died without a word: another of its host gives its jobs to others, at once, without beat.

Leases are far longer here than a test, so that nobody's end can be why a job runs again.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.ledger.models import Outcome, State, Worker
from app.jobs.transitions import workers
from app.jobs.transitions.neighbours import Neighbours
from app.processes.lives import Life
from app.worker.order import Order
from tests.jobs.running import attempts_of, ended, job_of
from tests.sample import lives
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.fleet import Fleet, Process


@pytest.fixture
def fleet(fleet: Fleet, configure: Callable[..., None]) -> Fleet:
    configure(lease_seconds=600)
    fleet.include = "tests.sample.lives"
    return fleet


def start_waiting(path: Path, *, survives: bool = False) -> str:
    """A job that runs until `path` is there; nobody ends its process with the worker's if it `survives`."""
    job_id = str(lives.write_when_told.delay(str(path), survives=survives).id)
    wait_until(path.with_name(f"{path.name}.1").exists, seconds=10, what="the job runs")
    return job_id


def begun(path: Path, *, times: int) -> bool:
    return path.with_name(f"{path.name}.{times}").exists()


def kill_main(worker: Process) -> None:
    """As the kernel does where memory is short: the main process alone."""
    os.kill(worker.popen.pid, signal.SIGKILL)
    worker.popen.wait(timeout=30)


def signed_on() -> set[str]:
    with reading() as session:
        return set(session.scalars(select(Worker.name).where(~Worker.signed_off)))


def test_who_starts_in_the_place_of_a_dead_worker_gives_its_jobs_to_others(
    fleet: Fleet, tmp_path: Path
) -> None:
    path = tmp_path / "go"
    first = fleet.start_worker("same", processes=1)
    job_id = start_waiting(path)
    kill_main(first)
    before = job_of(job_id)
    fleet.start_worker("same", processes=1)
    wait_until(lambda: begun(path, times=2), seconds=10, what="it runs again")
    path.touch()
    done = ended(job_id)
    assert (done.state, done.attempt) == (State.DONE, 2)
    assert before.worker
    assert {done.worker} == signed_on() != {before.worker}
    [lost] = attempts_of(job_id)
    assert (lost.outcome, lost.worker) == (Outcome.LOST, before.worker)
    assert lost.error == f"WorkerDied: The process of {before.worker} ended before the job did."
    wait_until(lambda: len(list(tmp_path.glob("var/workers/*"))) == 1, seconds=10, what="its file is gone")


@pytest.mark.databases("postgresql")
def test_so_does_any_other_that_lives_on_its_host(fleet: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "go"
    bulk = fleet.start_worker("bulk", processes=1)
    job_id = start_waiting(path)
    fleet.start_worker("standard", processes=1)
    bulk.kill()
    wait_until(lambda: begun(path, times=2), seconds=10, what="it runs again")
    path.touch()
    assert (ended(job_id).worker or "").startswith("standard@")


@pytest.mark.databases("postgresql")
def test_of_two_generations_only_the_dead_one_loses_its_jobs(fleet: Fleet, tmp_path: Path) -> None:
    kept, lost = tmp_path / "kept", tmp_path / "lost"
    known_by = ("--without-gossip", "--without-mingle", f"--announce={tmp_path / 'worker.pid'}")
    old = fleet.start_worker("standard", processes=1, options=known_by)
    kept_id = start_waiting(kept)
    os.kill(old.popen.pid, Order.DRAIN.value)
    wait_until(lambda: not signed_on(), seconds=5, what="the old one stands down")
    new = fleet.start_worker("standard", processes=1, options=(*known_by, "-n", "standard@%h+2"))
    lost_id = start_waiting(lost)
    kill_main(new)
    fleet.start_worker("standard", processes=1, options=(*known_by, "-n", "standard@%h+2"))
    wait_until(lambda: begun(lost, times=2), seconds=10, what="the job of the dead one runs again")
    kept.touch()
    lost.touch()
    assert [ended(job_id).attempt for job_id in (kept_id, lost_id)] == [1, 2]
    assert attempts_of(kept_id) == []


@pytest.mark.databases("postgresql")
def test_a_worker_of_the_same_name_whose_lock_cannot_be_seen_is_left_alone(
    fleet: Fleet, configure: Callable[..., None], tmp_path: Path
) -> None:
    path, after = tmp_path / "go", tmp_path / "after"
    elsewhere = fleet.start_worker("same", processes=1)
    job_id = start_waiting(path)
    # As in a container that was given the same host name.
    configure(worker_folder=tmp_path / "another")
    here = fleet.start_worker("same", processes=1)
    start_waiting(after)
    kill_main(here)
    fleet.start_worker("same", processes=1)
    wait_until(lambda: begun(after, times=2), seconds=10, what="of those it sees, the dead one is found")
    assert (job_of(job_id).state, job_of(job_id).attempt) == (State.RUNNING, 1)
    path.touch()
    after.touch()
    assert (ended(job_id).attempt, attempts_of(job_id)) == (1, [])
    assert elsewhere.popen.poll() is None


@pytest.mark.databases("postgresql")
def test_a_child_that_outlives_its_worker_comes_too_late(fleet: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "go"
    first = fleet.start_worker("same", processes=1)
    job_id = start_waiting(path, survives=True)
    kill_main(first)
    fleet.start_worker("same", processes=1)
    wait_until(lambda: begun(path, times=2), seconds=10, what="it runs again beside the child")
    survivor = int(path.with_name(f"{path.name}.1").read_text())
    os.kill(survivor, 0)
    path.with_name(f"{path.name}.go1").touch()
    wait_until(lambda: "lease_lost" in first.log.read_text(), seconds=10, what="the child is refused")
    assert lives.written(str(path)) == []
    path.touch()
    assert (ended(job_id).attempt, lives.written(str(path))) == (2, ["2"])
    os.killpg(first.popen.pid, signal.SIGKILL)


@pytest.mark.databases("postgresql")
def test_a_worker_that_stops_leaves_nothing(fleet: Fleet, tmp_path: Path) -> None:
    worker = fleet.start_worker("same", processes=1)
    assert len(list(tmp_path.glob("var/workers/*"))) == 1
    worker.stop()
    assert list(tmp_path.glob("var/workers/*")) == []


@pytest.mark.databases("postgresql")
def test_a_worker_that_cannot_show_its_life_works_all_the_same(
    fleet: Fleet, configure: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    configure(worker_folder=tmp_path / "file")
    worker = fleet.start_worker("same", processes=1)
    assert "GROUNDWORK_WORKER_FOLDER" in worker.log.read_text()
    path = tmp_path / "go"
    job_id = start_waiting(path)
    path.touch()
    assert ended(job_id).state == State.DONE


def test_who_died_for_another_ledger_is_left_to_its_own(database: Engine, tmp_path: Path) -> None:
    # In this process, which holds both locks, the second one counts as free.
    own, dead = Life(tmp_path, name="own"), Life(tmp_path, name="standard@here#1")
    elsewhere = Neighbours(own)
    for _ in range(2):
        elsewhere.end_dead(between=lambda: None)
        assert dead.path.exists()
    workers.sign(name="standard@here#1", node="standard@here", concurrency=1, signed_off=False)
    Neighbours(own).end_dead(between=lambda: None)
    assert list(tmp_path.iterdir()) == [own.path]

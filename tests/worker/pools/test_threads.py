"""A worker of threads runs many jobs that wait in one process, and none of them can hold it up."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.jobs.ledger.models import Outcome, State
from app.topology import Kind
from tests.api_client import client_for
from tests.jobs.conftest import point_celery_at_broker
from tests.jobs.running import attempts_of, effects, ended, job_of, wait_for_state
from tests.sample import coroutines, deaf, tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.fleet import Fleet, Process

pytestmark = pytest.mark.databases("postgresql")

SECONDS = 20


@pytest.fixture(autouse=True)
def _remote_control(database: Engine) -> None:
    """What Celery sends itself goes where the workers are."""
    assert database
    point_celery_at_broker()


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """Who reads it waits in C until the test has written."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def start(fleet: Fleet, name: str = "threads", *, threads: int) -> Process:
    fleet.include = "tests.sample.tasks,tests.sample.deaf,tests.sample.coroutines"
    return fleet.start_worker(name, processes=threads, kind=Kind.THREADS)


def wait_for_start(path: Path) -> None:
    started = path.with_name(f"{path.name}.started")
    wait_until(started.exists, seconds=SECONDS, what="the job runs")


def let_go(pipe: Path) -> None:
    """End the wait of who reads, which may be told at once to read no further."""
    with suppress(BrokenPipeError):
        pipe.write_text("at last")


def test_as_many_run_at_a_time_as_it_has_threads_all_in_its_process(fleet: Fleet, tmp_path: Path) -> None:
    worker = start(fleet, threads=20)
    waiting = [tasks.wait_for_file.delay(str(tmp_path / f"go{number}")) for number in range(20)]
    for number in range(20):
        wait_for_start(tmp_path / f"go{number}")
    one_more = deaf.process_id.delay()
    (tmp_path / "go7").touch()
    assert ended(one_more.id).result == worker.popen.pid
    for number in range(20):
        (tmp_path / f"go{number}").touch()
    assert {ended(str(job.id)).state for job in waiting} == {State.DONE}


def test_a_hundred_coroutines_wait_at_a_time(fleet: Fleet, tmp_path: Path) -> None:
    start(fleet, threads=100)
    paths = [tmp_path / f"go{number}" for number in range(100)]
    waiting = [coroutines.await_file.delay(str(path)) for path in paths]
    for path in paths:
        wait_for_start(path)
    for path in paths:
        path.touch()
    assert {ended(str(job.id)).state for job in waiting} == {State.DONE}


def test_a_coroutine_hears_of_its_limit_where_it_waits_and_may_answer(fleet: Fleet) -> None:
    start(fleet, threads=2)
    job = ended(coroutines.tidy_up_at_the_limit.delay("tidied").id)
    assert (job.state, job.result, effects()) == (State.DONE, "cancelled", ["tidied"])
    busy = ended(coroutines.compute_without_end.delay().id)
    assert "SoftTimeLimitExceeded" in str(busy.error)
    assert ended(coroutines.record_between_waits.delay("next").id).state == State.DONE


def test_a_cancelled_coroutine_is_stopped_where_it_waits(fleet: Fleet, tmp_path: Path) -> None:
    start(fleet, threads=1)
    job_id = str(coroutines.await_file.delay(str(tmp_path / "never")).id)
    wait_for_start(tmp_path / "never")
    client_for().post(f"/api/v1/jobs/{job_id}/cancel")
    assert ended(tasks.add.delay(1, 2).id).state == State.DONE
    assert job_of(job_id).state == State.CANCELLED


def test_a_soft_limit_that_is_heard_late_is_the_bodys_to_answer(fleet: Fleet, pipe: Path) -> None:
    worker = start(fleet, threads=1)
    job = deaf.read_pipe_until_the_limit.delay(str(pipe))
    wait_for_start(pipe)
    said = "Soft time limit (1.0s) exceeded"
    wait_until(lambda: said in worker.log.read_text(), seconds=SECONDS, what="its time is over")
    let_go(pipe)
    assert ended(job.id).result == "over"
    assert ended(tasks.add.delay(1, 2).id).state == State.DONE


def test_a_job_that_hears_nothing_ends_at_its_hard_limit_and_what_it_does_later_is_refused(
    fleet: Fleet, pipe: Path
) -> None:
    start(fleet, threads=2)
    job_id = str(deaf.read_pipe_and_write.delay(str(pipe)).id)
    job = ended(job_id)
    assert (job.state, job.attempt) == (State.DEAD, 1)
    assert "time limit" in str(job.error).lower()
    both = [tasks.wait_for_file.delay(f"{pipe}{number}") for number in range(2)]
    for number in range(2):
        wait_for_start(Path(f"{pipe}{number}"))
    let_go(pipe)
    for number in range(2):
        Path(f"{pipe}{number}").touch()
    assert {ended(str(one.id)).state for one in both} == {State.DONE}
    assert (job_of(job_id).state, effects()) == (State.DEAD, [])


def test_a_worker_whose_threads_all_hear_nothing_ends_for_another(fleet: Fleet, tmp_path: Path) -> None:
    worker = start(fleet, threads=2)
    pipes = [tmp_path / f"pipe{number}" for number in range(2)]
    for path in pipes:
        os.mkfifo(path)
    dead = [deaf.read_pipe_and_write.delay(str(path)) for path in pipes]
    assert {ended(str(one.id)).state for one in dead} == {State.DEAD}
    wait_until(lambda: worker.popen.poll() is not None, seconds=SECONDS, what="the worker ends")
    start(fleet, "next", threads=2)
    assert ended(tasks.add.delay(1, 2).id).state == State.DONE


def test_a_cancelled_job_is_stopped_and_its_thread_is_free_again(fleet: Fleet, tmp_path: Path) -> None:
    start(fleet, threads=1)
    job_id = str(tasks.wait_for_file.delay(str(tmp_path / "never")).id)
    wait_for_start(tmp_path / "never")
    assert client_for().post(f"/api/v1/jobs/{job_id}/cancel").json()["state"] == "cancelled"
    assert ended(tasks.add.delay(1, 2).id).state == State.DONE
    assert job_of(job_id).state == State.CANCELLED


def test_a_cancelled_job_that_hears_nothing_makes_room_for_another(fleet: Fleet, pipe: Path) -> None:
    start(fleet, threads=2)
    job_id = str(deaf.read_pipe.delay(str(pipe)).id)
    wait_for_start(pipe)
    client_for().post(f"/api/v1/jobs/{job_id}/cancel")
    both = [tasks.wait_for_file.delay(f"{pipe}{number}") for number in range(2)]
    for number in range(2):
        wait_for_start(Path(f"{pipe}{number}"))
        Path(f"{pipe}{number}").touch()
    assert {ended(str(one.id)).state for one in both} == {State.DONE}
    let_go(pipe)
    assert job_of(job_id).state == State.CANCELLED


def test_its_death_is_noticed_and_its_jobs_run_again(fleet: Fleet, tmp_path: Path) -> None:
    worker = start(fleet, "first", threads=4)
    job_id = str(tasks.wait_for_file.delay(str(tmp_path / "go")).id)
    wait_for_start(tmp_path / "go")
    worker.kill()
    (tmp_path / "go").touch()
    start(fleet, "second", threads=4)
    assert ended(job_id).state == State.DONE
    assert [one.outcome for one in attempts_of(job_id)] == [Outcome.LOST]


def test_it_ends_after_its_jobs(fleet: Fleet, tmp_path: Path) -> None:
    worker = start(fleet, threads=4)
    job_id = str(tasks.wait_for_file.delay(str(tmp_path / "go")).id)
    wait_for_start(tmp_path / "go")
    os.kill(worker.popen.pid, signal.SIGTERM)
    (tmp_path / "go").touch()
    worker.popen.wait(timeout=SECONDS)
    assert (job_of(job_id).state, attempts_of(job_id)) == (State.DONE, [])


def test_what_does_not_end_in_time_is_given_back(fleet: Fleet, pipe: Path) -> None:
    worker = start(fleet, "first", threads=4)
    job_id = str(deaf.read_pipe.delay(str(pipe)).id)
    wait_for_start(pipe)
    os.kill(worker.popen.pid, signal.SIGTERM)
    worker.popen.wait(timeout=SECONDS)
    released = wait_for_state(job_id, State.READY)
    assert released.fence == 1

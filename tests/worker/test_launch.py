"""Workers in the background: started until they consume, replaced without a gap, and why they were not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.processes.pidfile import named_pid
from app.worker.generations import live_workers
from tests.command_line import ROOT, ForkedCommand, groundwork_process
from tests.servers import free_port, stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START_SECONDS = 70


@pytest.fixture
def pidfile(
    configure: Callable[..., None], sqlite_url: str, redis_url: str, tmp_path: Path
) -> Iterator[Path]:
    """Where the worker of the test is named; whatever was started for it is ended."""
    configure(database_url=sqlite_url, redis_url=redis_url, log_dir=tmp_path, worker_concurrency=1)
    path = tmp_path / "worker.pid"
    yield path
    for worker in live_workers(path):
        os.killpg(worker.pid, signal.SIGKILL)


def groundwork(pidfile: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    command = ForkedCommand(*arguments, environment=os.environ | environment, folder=pidfile.parent)
    outcome = command.finished(seconds=START_SECONDS)
    return outcome.code, outcome.err


def in_background(pidfile: Path, how: str, **environment: str) -> tuple[int, str]:
    return groundwork(pidfile, "worker", "bulk", how, "--pidfile", str(pidfile), **environment)


def smoke(pidfile: Path) -> int:
    return groundwork(pidfile, "smoke", "--pool", "bulk")[0]


def is_gone(pid: int | None) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_it_returns_when_the_worker_takes_jobs(pidfile: Path) -> None:
    assert in_background(pidfile, "--detach")[0] == 0
    [worker] = live_workers(pidfile)
    assert (named_pid(pidfile), worker.generation) == (worker.pid, 1)
    assert smoke(pidfile) == 0
    os.kill(worker.pid, signal.SIGTERM)
    wait_until(lambda: not live_workers(pidfile), seconds=10, what="it has stopped")
    assert not pidfile.exists()


@pytest.mark.parametrize("stale", ["live process", "dead process", "no number", "", "folder"])
def test_a_stale_pidfile_of_any_kind_does_not_stop_a_start(pidfile: Path, stale: str) -> None:
    texts = {"live process": f"{os.getpid()}\n", "dead process": "4194304\n"}
    if stale == "folder":
        pidfile.mkdir()
    else:
        pidfile.write_text(texts.get(stale, stale))
    assert in_background(pidfile, "--detach")[0] == 0
    assert [worker.pid for worker in live_workers(pidfile)] == [named_pid(pidfile)]


def test_a_second_one_takes_over_and_the_first_ends(pidfile: Path) -> None:
    generations = []
    for how in ("--detach", "--replace", "--replace"):
        before = named_pid(pidfile)
        assert in_background(pidfile, how)[0] == 0
        wait_until(partial(is_gone, before), seconds=10, what="the one before has ended")
        assert [worker.pid for worker in live_workers(pidfile)] == [named_pid(pidfile)]
        generations += [worker.generation for worker in live_workers(pidfile)]
        assert smoke(pidfile) == 0
    assert generations == [1, 2, 1]


def test_one_that_cannot_be_imported_says_why_and_changes_nothing(pidfile: Path) -> None:
    assert in_background(pidfile, "--detach")[0] == 0
    before = named_pid(pidfile)
    # As a release with a mistake in it: modules in the folder where it starts come first.
    mistake = pidfile.parent / "kombu.py"
    mistake.write_text("import no_such_thing\n")

    # A fork would have it imported.
    command = ("worker", "bulk", "--replace", "--pidfile", str(pidfile))
    started = groundwork_process(*command, environment=os.environ, folder=pidfile.parent)
    err = started.communicate(timeout=stretched(START_SECONDS))[1].decode()

    mistake.unlink()
    assert (started.returncode, err.count("WorkerNotReady")) == (1, 0)
    assert "No module named 'no_such_thing'" in err.splitlines()[-1]
    assert [worker.pid for worker in live_workers(pidfile)] == [before] == [named_pid(pidfile)]
    assert smoke(pidfile) == 0


def test_one_that_cannot_reach_the_broker_says_so_in_time(
    pidfile: Path, configure: Callable[..., None]
) -> None:
    port = free_port()
    configure(redis_url=f"redis://127.0.0.1:{port}/0")
    impatient = "from app import __main__; from app.worker import launch; "
    impatient += "launch.READY_SECONDS = 10; __main__.main()"
    started = subprocess.run(
        [sys.executable, "-c", impatient, "worker", "bulk", "--detach", "--pidfile", pidfile],
        cwd=pidfile.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=stretched(START_SECONDS),
    )
    assert started.returncode == 1
    assert "not ready within 10 s: " in started.stderr
    assert f"127.0.0.1:{port}" in started.stderr.splitlines()[-1]
    assert not pidfile.exists()
    assert live_workers(pidfile) == []


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"GROUNDWORK_API_PORT": "x"}, "GROUNDWORK_API_PORT"),
        ({"GROUNDWORK_DATABASE_URL": "sqlite:///empty.db"}, "Run: groundwork migrate"),
        ({"GROUNDWORK_LOG_DIR": ""}, "GROUNDWORK_LOG_DIR"),
        ({"GROUNDWORK_TASK_TIME_LIMITS": "pricing.nap=2m/1m"}, "names what is no task: pricing.nap"),
    ],
)
def test_one_that_must_not_start_says_so_in_one_sentence(
    pidfile: Path, setting: dict[str, Any], said: str
) -> None:
    code, err = in_background(pidfile, "--detach", **setting)
    assert code == 78
    assert said in err
    assert len(err.splitlines()) == 1

"""Workers of one pidfile know of each other for as long as they live, and not longer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.worker.generations import GenerationLock, free_generation, live_workers
from tests.command_line import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Lives as one generation, with a child as the processes of a pool are, which outlives it.
LIVE = """
import os, sys, time
from pathlib import Path
from app.worker.generations import GenerationLock
life = GenerationLock(Path(sys.argv[1]), generation=int(sys.argv[2]))
os.fork()
print(flush=True)
time.sleep(600)
"""


@contextmanager
def worker(pidfile: Path, generation: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE, str(pidfile), str(generation)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
    )
    assert process.stdout
    try:
        for _ in range(2):
            process.stdout.readline()
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_who_lives_is_known_by_generation(tmp_path: Path) -> None:
    pidfile = tmp_path / "worker.pid"
    with worker(pidfile, 1) as first, worker(pidfile, 3) as third, worker(tmp_path / "other.pid", 2):
        found = live_workers(pidfile)
        assert [(one.generation, one.pid) for one in found] == [(1, first.pid), (3, third.pid)]
        assert [one.pid for one in live_workers(pidfile, besides=3)] == [first.pid]
        assert free_generation(found) == 2


def test_who_was_killed_lives_no_more_though_its_pool_does(tmp_path: Path) -> None:
    pidfile = tmp_path / "worker.pid"
    with worker(pidfile, 1) as first:
        first.kill()
        first.wait()
        assert live_workers(pidfile) == []
        assert free_generation(live_workers(pidfile)) == 1


def test_what_a_killed_worker_left_is_taken_over(tmp_path: Path) -> None:
    pidfile = tmp_path / "worker.pid"
    (tmp_path / "worker.pid.1").write_text("4194304\n")
    with worker(pidfile, 1) as first:
        assert [one.pid for one in live_workers(pidfile)] == [first.pid]


def test_what_lies_beside_the_pidfile_otherwise_is_no_worker(tmp_path: Path) -> None:
    for name in ("worker.pid", "worker.pid.new", "worker.pid.", "worker.pid.1.old"):
        (tmp_path / name).write_text(f"{os.getpid()}\n")
    (tmp_path / "worker.pid.2").mkdir()
    assert live_workers(tmp_path / "worker.pid") == []


def test_a_life_that_ended_leaves_nothing(tmp_path: Path) -> None:
    GenerationLock(tmp_path / "worker.pid", generation=1).end()
    assert not list(tmp_path.iterdir())

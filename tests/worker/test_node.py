"""Workers that take over from each other have names that differ, and know each other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from app.pidfile import announcement
from app.worker.node import free_generation, node_of, relatives, without_generation
from tests.servers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

#: As a worker and a process of its pool: the same arguments, and one is the other's child.
FORK = "import os, time; os.fork(); time.sleep(600)"


def test_a_worker_alone_has_the_plain_name() -> None:
    assert node_of("standard") == "standard@%h"
    assert free_generation("standard", taken=[]) == 1


@pytest.mark.parametrize(
    ("taken", "free"),
    [(["standard@%h"], 2), (["standard@%h+2"], 1), (["standard@%h", "standard@%h+2"], 3), (["bulk@%h"], 1)],
)
def test_the_lowest_generation_that_nobody_has_is_taken(taken: list[str], free: int) -> None:
    assert free_generation("standard", taken=taken) == free


def test_all_generations_are_one_node() -> None:
    names = [node_of("standard", generation=number).replace("%h", "host-1") for number in (1, 2, 3)]

    assert {without_generation(name) for name in names} == {"standard@host-1"}


def test_relatives_are_the_workers_of_a_pidfile_without_their_pools(tmp_path: Path) -> None:
    pidfile, other = tmp_path / "worker.pid", tmp_path / "other.pid"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", FORK, "-n", "standard@%h", announcement(path)], start_new_session=True
        )
        for path in (pidfile, other)
    ]
    try:
        wait_until(lambda: relatives(pidfile), seconds=10, what="the process runs")
        assert [(found.pid, found.node) for found in relatives(pidfile)] == [(started[0].pid, "standard@%h")]
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert relatives(pidfile) == []

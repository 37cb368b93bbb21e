"""Stops and rotations while there is work."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.host.units.conftest import POOL
from tests.host.units.unit import TIMEOUT_SECONDS, Jobs, Unit
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

pytestmark = [pytest.mark.systemd, pytest.mark.on("workers")]
SOFT_SHUTDOWN_SECONDS = 45
MARGIN_SECONDS = 15
ROTATIONS = 20
TALKS = 8
LINES_PER_TALK = 5_000


def test_a_stop_gives_the_unfinished_job_back_at_once(worker: Unit, jobs: Jobs) -> None:
    job_id = jobs.begin_nap("interrupted", seconds=600)
    seconds = worker.succeed("stop")
    job = jobs.job(job_id)
    assert seconds <= SOFT_SHUTDOWN_SECONDS + MARGIN_SECONDS
    assert (job["state"], job["attempt"]) == ("ready", 0)
    assert jobs.host.run("groundwork jobs cancel %s", job_id).rc == 0


def test_a_stop_ends_with_the_last_job(worker: Unit, jobs: Jobs) -> None:
    job_id = jobs.begin_nap("short", seconds=5)
    seconds = worker.succeed("stop")
    assert seconds < SOFT_SHUTDOWN_SECONDS
    assert jobs.job(job_id)["state"] == "done"


def test_a_stop_reaches_those_who_have_handed_over(worker: Unit, jobs: Jobs) -> None:
    job_id = jobs.begin_nap("handed-over", seconds=600)
    worker.succeed("reload")
    seconds = worker.succeed("stop")
    assert seconds <= SOFT_SHUTDOWN_SECONDS + MARGIN_SECONDS
    assert jobs.job(job_id)["state"] == "ready"
    assert jobs.host.run("groundwork jobs cancel %s", job_id).rc == 0


@pytest.fixture
def rotation(host: Host) -> Iterator[str]:
    """A folder with the rotation of the logs as it is installed, but that none is thrown away."""
    folder = str(host.check_output("mktemp --directory"))
    installed = "/etc/logrotate.d/groundwork"
    host.check_output("sed 's/rotate [0-9]*/rotate 1000/' %s > %s", installed, f"{folder}/groundwork")
    yield folder
    host.check_output("rm -r %s", folder)


def test_no_line_is_lost_when_logs_are_rotated(host: Host, worker: Unit, jobs: Jobs, rotation: str) -> None:
    before = (worker.main_pid, worker.restarts)
    ids = [
        jobs.submit("units_test.talk", first=number * LINES_PER_TALK, count=LINES_PER_TALK)
        for number in range(TALKS)
    ]
    for _ in range(ROTATIONS):
        host.check_output("logrotate --force --state %s/state %s/groundwork", rotation, rotation)
    wait_until(
        lambda: all(jobs.job(job_id)["state"] == "done" for job_id in ids),
        seconds=TIMEOUT_SECONDS,
        what="all has been said",
    )
    said = host.check_output(f"zcat -f /var/log/groundwork/worker-{POOL}.log*")
    lines = [json.loads(line) for line in said.splitlines()]
    numbers = [line["number"] for line in lines if line.get("event") == "numbered"]
    assert sorted(numbers) == list(range(TALKS * LINES_PER_TALK))
    assert (worker.main_pid, worker.restarts) == before

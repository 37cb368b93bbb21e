"""What stands still is replaced, and what only waits is not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.host import stores
from tests.host.units.conftest import POOL
from tests.host.units.unit import PYTHON, Jobs, Unit
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

pytestmark = [pytest.mark.systemd, pytest.mark.on("workers")]
#: `WatchdogSec` of the units, how long a worker may be silent before it is silent to systemd, and a start.
REPLACED_SECONDS = 60 + 20 + 30
OUTAGE_SECONDS = 120
#: Celery pauses up to 30 s between two attempts to connect.
BACK_SECONDS = 60
REDIS = stores.REDIS
#: Celery's own command line sends no command that it does not know itself.
WEDGE = "from app.celery_app import celery_app; celery_app.control.broadcast('wedge')"


@pytest.fixture
def everything(host: Host) -> list[Unit]:
    """All services that talk to the broker."""
    names = ["groundwork-api", "groundwork-beat", "groundwork-worker@standard", "groundwork-worker@bulk"]
    return [unit for name in names if (unit := Unit(host, name)).is_active]


@pytest.fixture
def redis(host: Host) -> Iterator[Unit]:
    """The broker; it answers again after the test."""
    unit = Unit(host, REDIS)
    yield unit
    host.run("systemctl kill --signal CONT %s", REDIS)
    unit.succeed("start")


def test_a_worker_that_was_stopped_by_a_signal_is_replaced(host: Host, worker: Unit) -> None:
    before = worker.main_pid
    host.check_output("kill -STOP %s", str(before))
    worker.wait_for_another_process(before, seconds=REPLACED_SECONDS)
    assert Jobs(host).are_done(POOL)


def test_a_worker_whose_event_loop_hangs_is_replaced(host: Host, worker: Unit, jobs: Jobs) -> None:
    before = worker.main_pid
    host.check_output("cd /var/lib/groundwork && runuser -u groundwork -- %s -c %s", PYTHON, WEDGE)
    worker.wait_for_another_process(before, seconds=REPLACED_SECONDS)
    assert jobs.are_done(POOL)


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_an_outage_of_the_broker_restarts_nothing(
    host: Host, redis: Unit, everything: list[Unit], how: str
) -> None:
    before = {unit.name: (unit.main_pid, unit.restarts) for unit in everything}
    if how == "stopped":
        redis.succeed("stop")
    else:
        host.check_output("systemctl kill --signal STOP %s", REDIS)
    time.sleep(OUTAGE_SECONDS)
    if how == "stopped":
        redis.succeed("start")
    else:
        host.check_output("systemctl kill --signal CONT %s", REDIS)
    began = time.monotonic()
    wait_until(lambda: Jobs(host).are_done(POOL), seconds=BACK_SECONDS, what="jobs are done again")
    print(f"jobs are done {time.monotonic() - began:.0f} s after the outage")
    assert {unit.name: (unit.main_pid, unit.restarts) for unit in everything} == before

"""The target stands for all services of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.units.unit import TIMEOUT_SECONDS, Unit
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

    from tests.host.machines import Machine

pytestmark = [pytest.mark.systemd, pytest.mark.on("api", "workers", "beat")]
RUNNING = "systemctl list-units --plain --no-legend --state active,deactivating {} | cut -d' ' -f1"
UNITS = "'groundwork-*.service' groundwork-api.socket"


@pytest.fixture
def target(host: Host, machine: Machine) -> Iterator[Unit]:
    """All runs before and after the test."""
    units = [Unit(host, instance.unit) for instance in machine.instances]
    yield Unit(host, "groundwork.target")
    host.check_output("systemctl start groundwork.target")
    wait_until(lambda: all(unit.is_active for unit in units), seconds=TIMEOUT_SECONDS, what="all run")


def test_stopping_it_waits_until_all_has_stopped(host: Host, target: Unit) -> None:
    # In one connection: what still stops would be at its end by the time of a second.
    left = host.check_output(f"systemctl stop {target.name} && {RUNNING.format(UNITS)}")
    assert left == ""


def test_restarting_it_replaces_every_service(host: Host, machine: Machine, target: Unit) -> None:
    units = [Unit(host, instance.unit) for instance in machine.instances]
    before = {unit.name: unit.main_pid for unit in units}
    target.succeed("restart")
    for unit in units:
        unit.wait_for_another_process(before[unit.name])

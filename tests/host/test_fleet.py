"""Several hosts are one service: one beat leads, workers of all hosts take part, all run the same release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app import topology
from tests.host.machines import machines
from tests.host.stores import selected

if TYPE_CHECKING:
    from testinfra.host import Host


def in_group(group: str) -> list[str]:
    return [machine.name for machine in machines() if group in machine.groups]


@pytest.mark.on("database")
def test_one_beat_leads(host: Host) -> None:
    assert len(selected(host, "SELECT holder FROM leader WHERE until > now()")) == 1


@pytest.mark.on("database")
def test_the_workers_of_all_hosts_are_heard_of(host: Host) -> None:
    heard = selected(host, "SELECT DISTINCT node FROM worker WHERE seen_at > now() - interval '1 minute'")
    wanted = {f"{pool.name}@{name}" for pool in topology.POOLS for name in in_group("workers")}
    assert set(heard) == wanted


@pytest.mark.on("api", "workers", "beat")
def test_all_hosts_run_the_same_release(host: Host) -> None:
    releases = {
        machine.host.check_output("readlink -f /opt/groundwork/current")
        for machine in machines()
        if machine.groups & {"api", "workers", "beat"}
    }
    assert releases == {host.check_output("readlink -f /opt/groundwork/current")}

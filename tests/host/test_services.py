"""Every service of the topology runs where its group says, comes back after a boot, and is locked in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.host import stores

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.host.machines import Instance, Machine
    from tests.host.supervisors import Supervisor

#: Of 10, as `systemd-analyze security` rates it; a service without a sandbox has 9.2.
MAX_EXPOSURE = 1.5
MAX_EXPOSURE_OF_REDIS = 2.5
MAX_EXPOSURE_OF_RABBITMQ = 1.5


def exposure(host: Host, unit: str) -> float:
    said = host.check_output("systemd-analyze security --no-pager %s", f"{unit}.service")
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found, said
    return float(found[1])


def test_the_service_runs(supervisor: Supervisor, instance: Instance) -> None:
    assert supervisor.is_running(instance)


def test_the_service_starts_at_boot(supervisor: Supervisor, instance: Instance) -> None:
    assert supervisor.starts_at_boot(instance)


def test_the_service_has_its_own_user(host: Host, supervisor: Supervisor, instance: Instance) -> None:
    assert host.process.get(pid=supervisor.main_pid(instance)).user == "groundwork"


def test_the_pidfile_names_the_process(host: Host, supervisor: Supervisor, instance: Instance) -> None:
    if not instance.has_pidfile:
        pytest.skip("it has no pidfile")
    written = host.file(str(supervisor.pidfile(instance))).content_string
    assert int(written) == supervisor.main_pid(instance)


@pytest.mark.systemd
def test_the_sandbox_is_tight(host: Host, instance: Instance) -> None:
    assert exposure(host, instance.unit) <= MAX_EXPOSURE


@pytest.mark.systemd
@pytest.mark.on("redis")
def test_the_sandbox_of_redis_is_tight(host: Host) -> None:
    assert exposure(host, stores.REDIS) <= MAX_EXPOSURE_OF_REDIS


@pytest.mark.on("rabbitmq")
def test_the_sandbox_of_rabbitmq_is_tight(host: Host) -> None:
    assert exposure(host, stores.RABBITMQ) <= MAX_EXPOSURE_OF_RABBITMQ


@pytest.mark.systemd
def test_systemd_finds_no_fault_with_the_unit(host: Host, instance: Instance) -> None:
    done = host.run("systemd-analyze verify --man=no %s", f"{instance.unit}.service")
    assert (done.rc, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.systemd
def test_no_unit_of_the_host_has_failed(host: Host) -> None:
    assert host.check_output("systemctl --failed --plain --no-legend") == ""


@pytest.mark.systemd
def test_nothing_of_ours_runs_that_should_not(host: Host, machine: Machine) -> None:
    listed = host.check_output(
        "systemctl list-units --type service --state active --plain --no-legend 'groundwork-*'"
    )
    running = {line.split()[0].removesuffix(".service") for line in listed.splitlines()}
    assert running == {instance.unit for instance in machine.instances}

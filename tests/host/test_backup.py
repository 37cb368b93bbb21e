"""Backups are made by themselves, are whole, and are nobody else's to read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

    from tests.host.machines import Machine

#: As the host's own service is held to.
MAX_EXPOSURE = 1.5


@pytest.fixture
def backup(host: Host) -> Iterator[str]:
    """The folder of a backup, for as long as the test takes."""
    host.check_output("groundwork-backup create --name from-a-test")
    yield "/var/backups/groundwork/from-a-test"
    host.check_output("rm -r /var/backups/groundwork/from-a-test")


def test_a_backup_holds_what_the_host_has(host: Host, machine: Machine, backup: str) -> None:
    found = json.loads(host.check_output("groundwork-backup verify from-a-test"))
    runs_the_service = machine.groups & {"api", "workers", "beat"}
    assert ("redis" in found["parts"]) == ("redis" in machine.groups)
    assert ("settings" in found["parts"]) == bool(runs_the_service)
    if "database" in machine.groups:
        assert "database" in found["parts"]
    if runs_the_service:
        assert found["release"]
    open_to_others = host.check_output("find /var/backups/groundwork -perm /077")
    assert not open_to_others


@pytest.mark.systemd
def test_the_timer_makes_a_backup_in_its_sandbox(host: Host) -> None:
    assert host.service("backup-groundwork.timer").is_running
    assert host.service("backup-groundwork.timer").is_enabled
    done = host.run("systemctl start backup-groundwork.service")
    assert done.rc == 0, host.run("journalctl -u backup-groundwork --no-pager -n 20").stdout
    assert "The newest of" in host.check_output("groundwork-backup status")
    shown = host.check_output("systemd-analyze security --no-pager backup-groundwork.service")
    exposure = float(shown.splitlines()[-1].partition(": ")[2].split()[0])
    assert exposure <= MAX_EXPOSURE

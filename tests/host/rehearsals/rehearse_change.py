"""A change of one setting reaches what it concerns, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.rehearsals.state import main_pids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.rehearsals.host import Host

BULK = "groundwork-worker@bulk.service"
#: What would make backups by itself, now or after a boot.
TIMERS = "systemctl list-timers --all --no-legend; ls /etc/systemd/system /etc/cron.d"


@pytest.fixture
def changeable(host: Host) -> Iterator[Host]:
    """The host, whose settings are put back."""
    yield host
    host.set({})
    host.deploy(host.base).succeed()


def test_the_same_again_changes_nothing_and_restarts_nothing(host: Host) -> None:
    before = main_pids(host.container)
    again = host.deploy(host.base).succeed()
    assert again.changed == 0, again.output
    assert main_pids(host.container) == before


def test_another_concurrency_of_one_pool_replaces_its_worker_alone(changeable: Host) -> None:
    before = main_pids(changeable.container)
    changeable.set({"groundwork_pool_settings": {"bulk": {"worker_concurrency": 3}}})
    changeable.deploy(changeable.base).succeed()
    after = main_pids(changeable.container)
    assert after.pop(BULK) != before.pop(BULK)
    assert after == before
    seen = changeable.container.sql(
        "SELECT concurrency FROM worker WHERE node LIKE 'bulk@%' ORDER BY started_at DESC LIMIT 1"
    )
    assert seen == "3"


def test_backups_that_are_no_longer_wanted_are_no_longer_made(changeable: Host) -> None:
    changeable.set({"groundwork_backup_enabled": True})
    changeable.deploy(changeable.base).succeed()
    assert "backup-groundwork.timer" in changeable.container.shell(TIMERS)
    changeable.set({"groundwork_backup_enabled": False})
    changeable.deploy(changeable.base).succeed()
    left = changeable.container.shell(TIMERS)
    assert "backup-groundwork" not in left
    assert "groundwork-backup" not in left

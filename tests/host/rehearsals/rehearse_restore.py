"""A backup brings back the jobs of its moment, and a backup that is not whole touches nothing."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.host.rehearsals.state import main_pids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.rehearsals.host import Host

BACKUPS = "/var/backups/groundwork"


@pytest.fixture
def backed_up(host: Host) -> Iterator[Host]:
    """The host, which makes backups for the time of a test."""
    host.set({"groundwork_backup_enabled": True})
    host.deploy(host.base).succeed()
    yield host
    host.set({})


@pytest.fixture
def backup(backed_up: Host) -> Iterator[str]:
    """The name of the backup that a test makes."""
    name = f"rehearsal-{secrets.token_hex(4)}"
    yield name
    backed_up.container.run("rm", "-rf", f"{BACKUPS}/{name}")


def submit(host: Host, what: str, *, seconds: float = 0) -> str:
    return host.service.submit("rehearsal.nap", name=f"{what}-{secrets.token_hex(4)}", seconds=seconds)


def test_a_restore_brings_back_what_a_mistake_removed(backed_up: Host, backup: str) -> None:
    service, container = backed_up.service, backed_up.container
    done, running = submit(backed_up, "done"), submit(backed_up, "running", seconds=30)
    service.finish(done)
    container.run("groundwork-backup", "create", "--name", backup)
    after = submit(backed_up, "after")
    container.sql("TRUNCATE job CASCADE")

    restored = backed_up.play("restore.yml", "-e", f"restore_from={backup}").succeed()

    print(f"restored in {restored.seconds:.0f} s")
    assert service.job(done)["state"] == "done"
    assert service.finish(running, seconds=120)["state"] == "done"
    with pytest.raises(httpx.HTTPStatusError) as refused:
        service.job(after)
    assert refused.value.response.status_code == HTTPStatus.NOT_FOUND
    assert service.finish(submit(backed_up, "new"))["state"] == "done"


def test_a_backup_that_is_damaged_is_refused_before_anything_is_touched(backed_up: Host, backup: str) -> None:
    container = backed_up.container
    container.run("groundwork-backup", "create", "--name", backup)
    container.shell(f"find {BACKUPS}/{backup} -type f -size +4k -exec truncate --size=-1 {{}} +")
    before = main_pids(container)
    refused = backed_up.play("restore.yml", "-e", f"restore_from={backup}")
    assert refused.wait() != 0
    print(refused.tail(15))
    assert backup in refused.tail(15)
    assert main_pids(container) == before

"""The host is lost; by the README alone its backup and a blank host become the service again."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.host.rehearsals.inventory import read_secrets, write_secrets
from tests.host.rehearsals.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.host.rehearsals.host import Host

BACKUPS = "/var/backups/groundwork"
BACKED_UP = {"groundwork_backup_enabled": True}
WORDS = "what nobody else may read"


@pytest.fixture
def lost(host: Host) -> Iterator[Host]:
    """The host that makes backups, until it is lost."""
    host.set(BACKED_UP)
    host.deploy(host.base).succeed()
    yield host
    host.set({})


@pytest.fixture
def blank(lost: Host, tmp_path: Path) -> Iterator[Host]:
    """The host that is to take its place."""
    with lost.another(folder=tmp_path, settings=BACKED_UP) as host:
        yield host


def test_a_backup_becomes_the_service_on_another_host_whose_secrets_are_new(lost: Host, blank: Host) -> None:
    name = f"disaster{secrets.token_hex(4)}"
    done = lost.service.submit("rehearsal.nap", name=f"{name}-done", seconds=0)
    lost.service.finish(done)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    sealed = lost.service.submit("rehearsal.whisper", run_at=tomorrow, name=f"{name}-sealed", secret=WORDS)
    lost.container.run("groundwork-backup", "create", "--name", name)

    blank.deploy(blank.base).succeed()
    blank.container.take_folder(f"{BACKUPS}/{name}", of=lost.container)
    blank.container.shell(f"cd {BACKUPS} && chown -R root:root {name} && chmod -R go= {name}")
    options = ("-e", f"restore_from={name}", "-e", "restore_settings=true")
    restored = blank.play("restore.yml", *options).succeed()

    print(f"deployed and restored; the restore took {restored.seconds:.0f} s")
    assert name in restored.tail(8)
    # Tokens are rows of the ledger.
    service = Service(container=blank.container, token=lost.service.token)
    assert service.job(done)["state"] == "done"
    blank.container.sql(f"UPDATE job SET run_at = now() WHERE id = '{sealed}'")
    assert service.finish(sealed)["result"] == len(WORDS)

    old_key = read_secrets(lost.inventory)["groundwork_secret_key"]
    write_secrets(blank.inventory, read_secrets(blank.inventory) | {"groundwork_secret_key": old_key})
    blank.deploy(blank.base).succeed()
    assert service.finish(service.submit("rehearsal.nap", name=f"{name}-after", seconds=0))["state"] == "done"
    assert service.effects(name) == dict.fromkeys((f"{name}-done", f"{name}-sealed", f"{name}-after"), 1)


def test_the_latest_backup_is_none_that_a_restore_made(lost: Host) -> None:
    name = f"latest{secrets.token_hex(4)}"
    lost.container.run("groundwork-backup", "create", "--name", name)
    lost.play("restore.yml", "-e", "restore_from=latest").succeed()
    again = lost.play("restore.yml", "-e", "restore_from=latest").succeed()
    assert f"from {name}," in again.tail(8)

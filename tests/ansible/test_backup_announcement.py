"""The service can read how the backups went, whatever becomes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from app.health.doctor.backup import backup_is_recent
from app.health.doctor.finding import Level
from tests.ansible.roles import read
from tests.ansible.test_backup import Host, host, ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["host", "ledger"]


@pytest.fixture
def status(host: Host, configure: Callable[..., None]) -> Path:
    """Where the service reads it."""
    path = host.folder / "status.json"
    host.configuration["status"] = str(path)
    configure(backup_status=path)
    return path


def said(status: Path) -> Any:
    return json.loads(status.read_text())


def test_the_service_reads_where_the_role_has_it_written(configure: Callable[..., None]) -> None:
    from app.settings.config import Settings

    folder = read("backup", "vars/main.yml")["__backup_announced"]
    assert Settings.model_fields["backup_status"].default.parent.as_posix() == folder


def test_from_the_announcement_on_the_time_runs_and_once_only(host: Host, status: Path) -> None:
    assert "from now on" in host.does("announce")
    assert status.stat().st_mode & 0o777 == 0o644
    first = status.read_bytes()
    assert "already" in host.does("announce")
    assert status.read_bytes() == first
    host.configuration["max_age_hours"] = 100
    assert "from now on" in host.does("announce")
    assert said(status)["max_age_hours"] == 100
    assert said(status)["made_at"] == json.loads(first)["made_at"]


def test_a_backup_and_its_failure_are_told(host: Host, ledger: Path, status: Path) -> None:
    host.does("create")
    assert said(status)["failure"] is None
    assert backup_is_recent().level is Level.OK
    made_at = said(status)["made_at"]
    ledger.unlink()
    host.refuses("create")
    assert said(status)["made_at"] == made_at
    assert backup_is_recent().level is Level.PROBLEM
    assert "the last one failed" in backup_is_recent().sentence


def test_what_stands_there_is_replaced_whatever_it_is(host: Host, ledger: Path, status: Path) -> None:
    for text in ("", "[]", '"x"', "{"):
        status.write_text(text)
        host.does("announce")
        assert said(status)["max_age_hours"] == 26
    host.does("create")


def test_where_nobody_reads_it_nothing_is_written(host: Host, ledger: Path) -> None:
    host.does("announce")
    host.does("create")
    assert not (host.folder / "status.json").exists()

"""What the doctor says about the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.health.doctor import host
from app.health.doctor.finding import Level
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def env_file(configure: Callable[..., None], tmp_path: Path) -> Path:
    """An env file with a secret, readable by its owner only."""
    path = tmp_path / "groundwork.env"
    path.write_text(f"GROUNDWORK_SECRET_KEY={'k' * 40}\n")
    path.chmod(0o600)
    configure(env_file=path)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400, 0o440])
def test_an_env_file_that_is_private_is_fine(env_file: Path, mode: int) -> None:
    env_file.chmod(mode)
    assert host.settings_are_private().level is Level.OK


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o777])
def test_an_env_file_that_others_can_read_or_write_is_a_problem(env_file: Path, mode: int) -> None:
    env_file.chmod(mode)
    finding = host.settings_are_private()
    assert finding.level is Level.PROBLEM
    assert f"{mode:04o}" in finding.sentence
    assert str(env_file) in (finding.fix or "")


def test_no_env_file_is_fine(configure: Callable[..., None]) -> None:
    configure()
    assert host.settings_are_private().level is Level.OK


def test_the_source_of_the_settings_is_named(env_file: Path) -> None:
    assert str(env_file) in host.settings_are_usable().sentence
    assert settings().release in host.settings_are_usable().sentence


def test_the_disk_is_judged_where_state_and_logs_lie(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(log_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/ledger.db")
    configure(health_disk_free_mib=1)
    monkeypatch.setattr(host, "MIN_FREE_SHARE", 0.0)
    assert host.disk_has_room().level is Level.OK
    monkeypatch.setattr(host, "MIN_FREE_SHARE", 1.1)
    assert host.disk_has_room().level is Level.WARNING
    configure(health_disk_free_mib=10**9)
    assert host.disk_has_room().level is Level.PROBLEM

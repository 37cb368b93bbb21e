"""Backups are watched by what the program says that makes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.health.doctor.backup import age, backup_is_recent
from app.health.doctor.finding import Level

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def status(tmp_path: Path, configure: Callable[..., None]) -> Path:
    """The file that says how the backups went; it is not there."""
    path = tmp_path / "status.json"
    configure(backup_status=path)
    return path


def say(path: Path, *, hours: float, failure: str | None = None) -> None:
    made_at = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    path.write_text(json.dumps({"made_at": made_at, "max_age_hours": 26, "failure": failure}))


def test_where_nothing_says_how_they_went_they_are_not_watched(status: Path) -> None:
    found = backup_is_recent()
    assert (found.level, age()) == (Level.OK, None)
    assert str(status) in found.sentence


def test_a_young_one_is_well_and_one_of_tomorrow_is_young(status: Path) -> None:
    for hours in (1, -24):
        say(status, hours=hours)
        assert backup_is_recent().level is Level.OK
    assert age() == timedelta(0)


def test_one_that_is_too_old_is_told_with_its_age(status: Path) -> None:
    say(status, hours=30)
    found = backup_is_recent()
    assert found.level is Level.PROBLEM
    assert found.sentence == "The newest backup of this host is 30.0 h old, more than 26 h."


def test_one_that_failed_is_told_with_the_reason(status: Path) -> None:
    say(status, hours=1, failure="No space left on device")
    found = backup_is_recent()
    assert found.level is Level.PROBLEM
    assert "the last one failed: No space left on device" in found.sentence


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"made_at": 1, "max_age_hours": 26}',
        '{"made_at": "yesterday", "max_age_hours": 26}',
        '{"made_at": "2026-01-01T00:00:00", "max_age_hours": 26}',
        '{"made_at": "2026-01-01T00:00:00+00:00", "max_age_hours": NaN}',
        '{"made_at": "2026-01-01T00:00:00+00:00", "max_age_hours": 1e999}',
        '{"made_at": "2026-01-01T00:00:00+00:00", "max_age_hours": "\\ud800"}',
        "[" * 60_000,
    ],
)
def test_what_cannot_be_read_is_a_fault(status: Path, said: str) -> None:
    status.write_text(said)
    found = backup_is_recent()
    assert (found.level, age()) == (Level.PROBLEM, None)
    assert str(status) in found.sentence


def test_a_file_that_is_none_is_a_fault(status: Path) -> None:
    status.mkdir()
    assert backup_is_recent().level is Level.PROBLEM


def test_a_failure_that_says_anything_is_one_line(status: Path) -> None:
    failure: Any = {"a": "\x00\ud800\n" + "x" * 10_000}
    status.write_text(json.dumps({"made_at": "2026-01-01T00:00:00Z", "max_age_hours": 1, "failure": failure}))
    found = backup_is_recent()
    assert found.level is Level.PROBLEM
    assert (len(found.sentence) < 1_000, "\n" in found.sentence) == (True, False)

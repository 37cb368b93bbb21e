"""What the doctor says about the database."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.db.sessions import transaction
from app.health.doctor import database as checks
from app.health.doctor.finding import Level

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from sqlalchemy import Engine


def test_a_migrated_database_has_nothing_to_mend(database: Engine) -> None:
    found = [checks.database_answers(), checks.migrations_are_current(), checks.clocks_agree()]
    assert {finding.level for finding in found} == {Level.OK}


def test_sqlite_is_warned_about_and_postgresql_is_not(database: Engine) -> None:
    expected = Level.WARNING if database.dialect.name == "sqlite" else Level.OK
    assert checks.database_suits().level is expected


def test_an_empty_database_is_to_be_migrated(configure: Callable[..., None], tmp_path: Path) -> None:
    configure(database_url=f"sqlite:///{tmp_path}/new.db")
    finding = checks.migrations_are_current()
    assert finding.level is Level.PROBLEM
    assert finding.fix == "Run: groundwork migrate"


def test_a_database_of_a_newer_release_is_not_to_be_migrated(database: Engine) -> None:
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    finding = checks.migrations_are_current()
    assert finding.level is Level.PROBLEM
    assert "9999" in finding.sentence
    assert "migrate" not in (finding.fix or "")


def test_clocks_that_differ_are_a_problem(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two clocks that differ cannot be had on one machine, so no difference at all is tolerated instead.
    monkeypatch.setattr(checks, "CLOCK_TOLERANCE", timedelta(seconds=-1))
    assert checks.clocks_agree().level is Level.PROBLEM

"""Nobody is given up for a time in which the database may not have taken anybody's word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.db.continuity import Continuity
from app.db.sessions import reading

if TYPE_CHECKING:
    from sqlalchemy import Engine

pytestmark = pytest.mark.databases("sqlite")


class Clock:
    """Stands for this process's clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        monkeypatch.setattr("app.db.continuity.time.monotonic", lambda: self.seconds)

    def now(self, *, ahead: float = 0.0) -> datetime:
        """What a clock of the database shows that goes at the same pace."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds + ahead)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def found(database: Engine) -> Continuity:
    return Continuity(database)


def ask(clock: Clock, *, after: float) -> None:
    clock.seconds += after
    with reading() as session:
        session.execute(text("SELECT 1"))


def asked(clock: Clock, *, seconds: int) -> None:
    for _ in range(seconds):
        ask(clock, after=1)


def test_its_answers_count_from_the_first_one(found: Continuity, clock: Clock) -> None:
    assert not found.lasts(seconds=0)
    asked(clock, seconds=15)
    assert not found.lasts(seconds=15)
    asked(clock, seconds=1)
    assert found.lasts(seconds=15)


@pytest.mark.parametrize(("gap", "lasts"), [(7, True), (9, False)])
def test_they_count_anew_after_a_gap(found: Continuity, clock: Clock, gap: float, lasts: bool) -> None:
    asked(clock, seconds=60)
    ask(clock, after=gap)
    assert found.lasts(seconds=15) is lasts
    asked(clock, seconds=15)
    assert found.lasts(seconds=15)


def test_they_count_anew_after_a_failure(found: Continuity, clock: Clock) -> None:
    asked(clock, seconds=60)
    found.failed()
    assert not found.lasts(seconds=0)
    asked(clock, seconds=15)
    assert not found.lasts(seconds=15)
    asked(clock, seconds=1)
    assert found.lasts(seconds=15)


@pytest.mark.parametrize("ahead", [-3600, 20])
def test_they_count_anew_once_its_clock_was_set(found: Continuity, clock: Clock, ahead: float) -> None:
    asked(clock, seconds=60)
    found.compare(clock.now())
    asked(clock, seconds=1)
    found.compare(clock.now(ahead=0.5))
    assert found.lasts(seconds=15)
    found.compare(clock.now(ahead=ahead))
    assert not found.lasts(seconds=1)
    asked(clock, seconds=15)
    found.compare(clock.now(ahead=ahead))
    assert found.lasts(seconds=15)

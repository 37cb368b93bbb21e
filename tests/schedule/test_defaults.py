"""What tasks declare becomes rows once; what was edited stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.jobs.declaration import registry
from app.schedule import service
from app.schedule.defaults import seed
from app.schedule.models import ScheduleEntry, ScheduleState
from app.schedule.policies import Misfire, Overlap, Policies
from app.schedule.spec import cron
from app.schedule.views import ScheduleChange, ScheduleDraft

if TYPE_CHECKING:
    from app.schedule.spec import Schedule

pytestmark = pytest.mark.usefixtures("database")
CLEANUP = "pricing.cleanup_expired_discounts"


def seeded() -> ScheduleEntry:
    """The row of one default, after beat has looked at what tasks declare."""
    with transaction() as session:
        seed(session)
    with reading() as session:
        return session.get_one(ScheduleEntry, CLEANUP)


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> object:
    """Makes the task declare another schedule, or none, as another release would."""

    def declare(schedule: Schedule | None) -> None:
        spec = registry.spec_of(CLEANUP)
        monkeypatch.setitem(registry._DECLARED, CLEANUP, replace(spec, schedule=schedule))

    return declare


def test_a_new_release_changes_a_default_that_nobody_edited(declared: type) -> None:
    before = seeded()
    policies = Policies(overlap=Overlap.SKIP, misfire=Misfire.ALL, jitter=timedelta(minutes=5))
    declared(cron("15 4 * * *", timezone="Europe/Berlin", policies=policies))
    after = seeded()
    assert (before.cron, after.cron, after.timezone) == ("0 2 * * *", "15 4 * * *", "Europe/Berlin")
    assert (after.overlap, after.misfire, after.jitter_seconds) == ("skip", "all", 300)
    assert after.version == before.version + 1
    assert seeded().version == after.version


def test_an_edit_stays_whatever_a_release_declares_until_it_is_reset(declared: type) -> None:
    seeded()
    with transaction() as session:
        service.change(session, CLEANUP, ScheduleChange(cron="0 5 * * *", enabled=False))
    declared(cron("15 4 * * *"))
    edited = seeded()
    assert (edited.cron, edited.enabled, edited.edited) == ("0 5 * * *", False, True)
    with transaction() as session:
        service.reset(session, CLEANUP)
    reset = seeded()
    assert (reset.cron, reset.enabled, reset.edited) == ("15 4 * * *", True, False)


def test_a_default_that_disappears_is_marked_and_comes_back_as_it_was(declared: type) -> None:
    seeded()
    with transaction() as session:
        service.change(session, CLEANUP, ScheduleChange(cron="0 5 * * *"))
    declared(None)
    gone = seeded()
    assert gone.gone_at is not None
    assert (gone.next_at, gone.cron) == (None, "0 5 * * *")
    declared(cron("0 2 * * *"))
    back = seeded()
    assert (back.gone_at, back.cron) == (None, "0 5 * * *")
    assert back.next_at is not None


def test_a_schedule_that_somebody_made_under_the_name_is_an_edit_of_the_default() -> None:
    with transaction() as session:
        service.create(session, ScheduleDraft(name=CLEANUP, task=CLEANUP, every_seconds=3600))
    entry = seeded()
    assert (entry.interval_seconds, entry.cron, entry.edited) == (3600, None, True)
    with transaction() as session:
        service.reset(session, CLEANUP)
    assert (seeded().interval_seconds, seeded().cron) == (None, "0 2 * * *")


def test_what_an_earlier_release_remembered_is_gone_on_with() -> None:
    with transaction() as session:
        seen = db_now(session) - timedelta(days=2)
        session.add(ScheduleState(name=CLEANUP, seen_until=seen, last_fire_at=seen))
    entry = seeded()
    assert (entry.seen_until, entry.last_fire_at) == (seen, seen)
    assert entry.next_at is not None
    assert entry.next_at <= seen + timedelta(days=1)

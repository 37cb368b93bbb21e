"""Pausing, resuming and running a schedule by hand: what was meant, once."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job
from app.schedule import service
from app.schedule.errors import ScheduleChanged
from app.schedule.fire import fire_once
from app.schedule.models import ScheduleEntry, ScheduleRun
from app.schedule.views import ScheduleChange, ScheduleDraft

pytestmark = pytest.mark.usefixtures("database")
NAME = "nightly"


@pytest.fixture
def version(database: object) -> int:
    """That of the schedule, as somebody sees it."""
    draft = {"name": NAME, "task": "pricing.recompute_all_discounts", "every_seconds": 60}
    with transaction() as session:
        return service.create(session, ScheduleDraft.model_validate(draft)).version


def set_enabled(enabled: bool, *, version: int) -> bool:
    with transaction() as session:
        return service.set_enabled(session, NAME, enabled=enabled, version=version)


def entry() -> ScheduleEntry:
    with reading() as session:
        return service.find(session, NAME)


def test_it_is_paused_once_and_resumed_once(version: int) -> None:
    assert set_enabled(False, version=version)
    assert (entry().enabled, entry().next_at) == (False, None)
    assert not set_enabled(False, version=version)
    assert set_enabled(True, version=entry().version)
    assert entry().next_at is not None
    assert not set_enabled(True, version=version)


def test_one_that_was_changed_meanwhile_is_left_alone(version: int) -> None:
    with transaction() as session:
        service.change(session, NAME, ScheduleChange(every_seconds=120))
    with pytest.raises(ScheduleChanged, match='"nightly" was changed since it was shown: nothing was done'):
        set_enabled(False, version=version)
    assert entry().enabled


def test_one_that_cannot_be_fired_can_be_paused(version: int) -> None:
    with transaction() as session:
        session.execute(update(ScheduleEntry).values(task="gone.with_the_release"))
    assert set_enabled(False, version=version)
    assert not entry().enabled


def test_a_run_that_is_asked_for_twice_is_one_job(version: int) -> None:
    answers = []
    for key in ("a", "a", "b"):
        with transaction() as session:
            answers.append(fire_once(session, service.find(session, NAME), key=key))
    assert [answer.created for answer in answers] == [True, False, True]
    assert answers[0].id == answers[1].id != answers[2].id
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 2
        assert session.scalar(select(func.count()).select_from(ScheduleRun)) == 2

"""What came of the moments of schedules, and which schedule has not succeeded for too long."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job, State
from app.schedule import history, service
from app.schedule.fire import fire_now
from app.schedule.models import ScheduleEntry, ScheduleRun
from app.schedule.views import RunView, ScheduleDraft

pytestmark = pytest.mark.usefixtures("database")
NAME = "watched"


def made(**settings: object) -> None:
    task = "pricing.recompute_all_discounts"
    draft = {"name": NAME, "task": task, "every_seconds": 60} | settings
    with transaction() as session:
        service.create(session, ScheduleDraft.model_validate(draft))


def fired(state: State, *, error: str | None = None) -> str:
    """Fire it, and let its job end so."""
    with transaction() as session:
        job_id = fire_now(session, service.find(session, NAME))
    with transaction() as session:
        now = db_now(session)
        ended = {"state": state, "started_at": now - timedelta(seconds=2), "finished_at": now, "error": error}
        session.execute(update(Job).where(Job.id == job_id).values(ended))
    return job_id


def settled() -> ScheduleEntry:
    with transaction() as session:
        history.settle(session)
    with reading() as session:
        return service.find(session, NAME)


def runs() -> list[RunView]:
    with reading() as session:
        return [RunView.of(run) for run in history.runs_of(session, NAME, limit=10)]


@pytest.mark.parametrize("state", [State.DONE, State.DEAD, State.CANCELLED])
def test_a_moment_ends_as_its_job_does(state: State) -> None:
    made()
    fired(state, error="why")
    settled()
    (run,) = runs()
    assert (run.outcome, run.seconds, run.error) == (state.value, 2.0, "why")


def test_a_job_that_is_not_finished_leaves_its_moment_open() -> None:
    made()
    with transaction() as session:
        fire_now(session, service.find(session, NAME))
    settled()
    assert runs()[0].outcome is None
    with reading() as session:
        assert history.unfinished(session, [NAME]) == {NAME: 1}


def back(**columns: object) -> None:
    with transaction() as session:
        session.execute(update(ScheduleEntry).values(columns))


def test_a_schedule_without_success_in_its_time_is_overdue_until_it_succeeds() -> None:
    made(success_within_seconds=3600)
    assert settled().overdue_since is None
    with reading() as session:
        back(changed_at=db_now(session) - timedelta(hours=2))
    fired(State.DEAD)
    overdue_since = settled().overdue_since
    assert overdue_since is not None
    assert settled().overdue_since == overdue_since
    fired(State.DONE)
    entry = settled()
    assert entry.overdue_since is None
    assert entry.last_success_at is not None


@pytest.mark.parametrize("state", ["disabled", "gone"])
def test_what_is_not_to_fire_is_not_overdue(state: str) -> None:
    made(success_within_seconds=60)
    with reading() as session:
        now = db_now(session)
    back(changed_at=now - timedelta(hours=2))
    assert settled().overdue_since is not None
    back(**({"enabled": False} if state == "disabled" else {"gone_at": now}))
    assert settled().overdue_since is None


def test_old_moments_are_forgotten_and_those_without_a_job_end() -> None:
    made()
    fired(State.DONE)
    settled()
    fired(State.READY)
    with transaction() as session:
        session.execute(delete(Job).where(Job.state == State.READY))
        history.forget(session, before=db_now(session) - timedelta(days=30))
    assert [run.outcome for run in runs()] == ["forgotten", "done"]
    with transaction() as session:
        session.execute(update(ScheduleRun).values(fired_at=db_now(session) - timedelta(days=40)))
        assert history.forget(session, before=db_now(session) - timedelta(days=30)) == 2
    assert runs() == []

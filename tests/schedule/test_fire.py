"""Firing: each moment of a schedule becomes one job, and a missed past becomes at most one."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy import select, update

from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.jobs.declaration import registry
from app.jobs.ledger.models import Job
from app.schedule.fire import fire_due
from app.schedule.models import ScheduleState

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from app.topology import Queue

pytestmark = pytest.mark.usefixtures("database")
LONG_AGO = timedelta(days=400)
A_YEAR = 366 * 24 * 3600


def scheduled() -> dict[str, registry.TaskSpec]:
    return {name: spec for name, spec in registry.tasks().items() if spec.schedule is not None}


def jobs() -> list[Job]:
    with reading() as session:
        return list(session.scalars(select(Job)))


def seen_until() -> dict[str, Any]:
    with reading() as session:
        return {state.name: state.seen_until for state in session.scalars(select(ScheduleState))}


def remember_from_long_ago() -> None:
    """Make beat's memory as if it had looked long ago."""
    fire_due()
    with transaction() as session:
        session.execute(update(ScheduleState).values(seen_until=db_now(session) - LONG_AGO))


def test_a_schedule_that_is_seen_for_the_first_time_fires_nothing_of_the_past() -> None:
    fire_due()
    assert jobs() == []
    assert set(seen_until()) == set(scheduled())


def test_missed_moments_become_one_job_of_the_latest(configure: Callable[..., None]) -> None:
    configure(catch_up_seconds=A_YEAR)
    remember_from_long_ago()
    fire_due()
    assert sorted(job.task for job in jobs()) == sorted(scheduled())
    seen = seen_until()
    with reading() as session:
        now = db_now(session)
    for name, spec in scheduled().items():
        assert spec.schedule
        assert seen[name] == spec.schedule.previous(now)


def test_a_moment_that_was_fired_is_not_fired_again(configure: Callable[..., None]) -> None:
    configure(catch_up_seconds=A_YEAR)
    remember_from_long_ago()
    for _ in range(3):
        fire_due()
    assert len(jobs()) == len(scheduled())


def test_two_beats_at_once_fire_each_moment_once(configure: Callable[..., None]) -> None:
    configure(catch_up_seconds=A_YEAR)
    remember_from_long_ago()
    barrier, failures = threading.Barrier(4), []

    def fire() -> None:
        barrier.wait()
        try:
            fire_due()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=fire) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(job.task for job in jobs()) == sorted(scheduled())


def test_a_moment_older_than_the_catch_up_time_is_passed_over(configure: Callable[..., None]) -> None:
    configure(catch_up_seconds=1)
    remember_from_long_ago()
    fire_due()
    assert jobs() == []
    with reading() as session:
        assert min(seen_until().values()) > db_now(session) - timedelta(days=2)


def test_a_schedule_that_cannot_be_fired_keeps_no_other_from_firing(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(catch_up_seconds=A_YEAR)
    good = next(iter(scheduled().values()))
    undrained = cast("Queue", "drained by nobody")
    broken = replace(good, name="a.broken", queue=undrained)
    monkeypatch.setitem(registry._DECLARED, broken.name, broken)
    remember_from_long_ago()
    fire_due()
    assert {job.task for job in jobs()} == set(scheduled()) - {broken.name}


def test_what_beat_fires_goes_where_the_task_says(configure: Callable[..., None]) -> None:
    configure(catch_up_seconds=A_YEAR)
    remember_from_long_ago()
    fire_due()
    for job in jobs():
        spec = scheduled()[job.task]
        assert (job.queue, job.priority, job.args, job.kwargs) == (spec.queue, spec.priority, [], {})
        assert str(job.key).startswith(f"schedule:{spec.name}:")


def test_the_memory_survives_a_new_process(database: Engine, configure: Callable[..., None]) -> None:
    fire_due()
    before = seen_until()
    database.dispose()
    configure(catch_up_seconds=A_YEAR)
    fire_due()
    assert (seen_until(), jobs()) == (before, [])

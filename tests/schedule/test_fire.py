"""Firing: each moment of a schedule becomes one job, and a missed past becomes at most one."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy import delete, event, select, update

from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.jobs.declaration import registry
from app.jobs.ledger.models import Job, State
from app.schedule import fire, history, service
from app.schedule.defaults import seed
from app.schedule.fire import AGAIN, fire_due
from app.schedule.models import ScheduleEntry, ScheduleRun
from app.schedule.policies import Misfire
from app.schedule.views import ScheduleChange, ScheduleDraft
from app.topology import Priority

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from app.topology import Queue

pytestmark = pytest.mark.usefixtures("database")
LONG_AGO = timedelta(days=400)
A_YEAR = 366 * 24 * 3600


def scheduled() -> dict[str, registry.TaskSpec]:
    return {name: spec for name, spec in registry.tasks().items() if spec.schedule is not None}


def caught_up_on() -> dict[str, registry.TaskSpec]:
    """Those of which the latest missed moment is made up for, as the setting says."""
    return {
        name: spec
        for name, spec in scheduled().items()
        if spec.schedule
        and spec.schedule.policies.misfire is Misfire.ONCE
        and spec.schedule.policies.grace is None
    }


def made_up_for() -> list[str]:
    """Of their tasks, each as often as there is a job of it. Of the others one may be just due."""
    return sorted(job.task for job in jobs() if job.task in caught_up_on())


def jobs() -> list[Job]:
    with reading() as session:
        return list(session.scalars(select(Job)))


def seen_until() -> dict[str, Any]:
    with reading() as session:
        return {entry.name: entry.seen_until for entry in session.scalars(select(ScheduleEntry))}


def seeded() -> None:
    with transaction() as session:
        seed(session)


def remember_from_long_ago() -> None:
    """Make beat's memory as if it had looked long ago."""
    seeded()
    with transaction() as session:
        long_ago = db_now(session) - LONG_AGO
        session.execute(update(ScheduleEntry).values(seen_until=long_ago, next_at=long_ago))


def test_a_schedule_that_is_seen_for_the_first_time_fires_nothing_of_the_past() -> None:
    seeded()
    fire_due()
    assert jobs() == []
    assert set(seen_until()) == set(scheduled())


def test_missed_moments_become_one_job_of_the_latest(configure: Callable[..., None]) -> None:
    configure(catch_up_seconds=A_YEAR)
    remember_from_long_ago()
    fire_due()
    assert made_up_for() == sorted(caught_up_on())
    with reading() as session:
        for entry in session.scalars(select(ScheduleEntry)):
            spec = scheduled()[entry.name]
            assert spec.schedule
            if entry.name in caught_up_on():
                assert entry.last_fire_at == spec.schedule.previous(entry.seen_until)
            assert entry.next_at == spec.schedule.next(entry.seen_until)


def test_a_moment_that_was_fired_is_not_fired_again(configure: Callable[..., None]) -> None:
    configure(catch_up_seconds=A_YEAR)
    remember_from_long_ago()
    for _ in range(3):
        fire_due()
    assert made_up_for() == sorted(caught_up_on())


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
    assert made_up_for() == sorted(caught_up_on())


def test_a_moment_older_than_the_catch_up_time_is_passed_over(configure: Callable[..., None]) -> None:
    configure(catch_up_seconds=1)
    remember_from_long_ago()
    fire_due()
    assert made_up_for() == []
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
    assert set(made_up_for()) == set(caught_up_on()) - {broken.name}


def test_what_beat_fires_goes_where_the_task_says(configure: Callable[..., None]) -> None:
    configure(catch_up_seconds=A_YEAR)
    remember_from_long_ago()
    fire_due()
    for job in jobs():
        spec = scheduled()[job.task]
        assert (job.queue, job.priority, job.args, job.kwargs) == (spec.queue, spec.priority, [], {})
        assert str(job.key).startswith(f"schedule:{spec.name}:")


def test_the_memory_survives_a_new_process(database: Engine, configure: Callable[..., None]) -> None:
    seeded()
    fire_due()
    before = seen_until()
    database.dispose()
    configure(catch_up_seconds=A_YEAR)
    fire_due()
    assert (seen_until(), jobs()) == (before, [])


def entry(name: str) -> ScheduleEntry:
    with reading() as session:
        return session.get_one(ScheduleEntry, name)


def made(name: str, **settings: Any) -> ScheduleEntry:
    """A schedule of every ten seconds, as somebody made it."""
    task = "pricing.recompute_all_discounts"
    draft = ScheduleDraft.model_validate({"name": name, "task": task, "every_seconds": 10} | settings)
    with transaction() as session:
        return service.create(session, draft)


def moments_of(name: str) -> list[tuple[str | None, str | None]]:
    with reading() as session:
        runs = reversed(history.runs_of(session, name, limit=100))
        return [(run.outcome, run.job_id and "a job") for run in runs]


def fire_for(name: str, seconds: int) -> None:
    """Look once a second for so long after the schedule was made."""
    began = entry(name).created_at
    for second in range(seconds + 1):
        fire_due(at=began + timedelta(seconds=second))


@pytest.mark.parametrize(("overlap", "jobs_wanted"), [("allow", 6), ("skip", 1), ("queue_one", 2)])
def test_a_job_that_is_not_finished_makes_room_as_the_schedule_says(overlap: str, jobs_wanted: int) -> None:
    made("crowded", overlap=overlap)
    fire_for("crowded", 60)
    assert len(jobs()) == jobs_wanted
    assert moments_of("crowded").count(("skipped", None)) == 6 - jobs_wanted
    with transaction() as session:
        session.execute(update(Job).values(state=State.DONE, finished_at=db_now(session)))
    with transaction() as session:
        history.settle(session)
    began = entry("crowded").created_at
    fire_due(at=began + timedelta(seconds=70))
    assert len(jobs()) == jobs_wanted + 1


def test_jitter_spreads_the_jobs_of_many_schedules_and_is_the_same_for_every_beat() -> None:
    for number in range(20):
        made(f"spread-{number}", every_seconds=3600, jitter_seconds=3600)
    moment = entry("spread-0").next_at
    fire_due(at=moment)
    waits = {job.key: job.run_at for job in jobs()}
    assert len(set(waits.values())) == 20
    with transaction() as session:
        session.execute(delete(Job))
        session.execute(update(ScheduleEntry).values(seen_until=ScheduleEntry.created_at))
        session.execute(update(ScheduleEntry).values(next_at=ScheduleEntry.created_at))
        session.execute(delete(ScheduleRun))
    fire_due(at=moment)
    assert {job.key: job.run_at for job in jobs()} == waits


def test_a_one_off_is_disabled_after_its_first_moment() -> None:
    made("alone", one_off=True)
    fire_for("alone", 40)
    assert len(jobs()) == 1
    assert (entry("alone").enabled, entry("alone").next_at) == (False, None)


def test_a_single_moment_is_fired_once_with_its_arguments_queue_and_priority() -> None:
    with reading() as session:
        at = db_now(session) + timedelta(minutes=5)
    settings = {"arguments": {"days_threshold": "7"}, "queue": "analytics", "priority": "urgent"}
    made("then", every_seconds=None, at=at.isoformat(), **settings)
    for late in (0, 1, 30, 400):
        fire_due(at=at + timedelta(seconds=late))
    (job,) = jobs()
    assert (job.kwargs, job.queue, job.priority) == ({"days_threshold": 7}, "analytics", Priority.URGENT)


def test_what_cannot_be_fired_is_tried_again_later_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    made("good")
    made("lost")
    with transaction() as session:
        session.execute(update(ScheduleEntry).where(ScheduleEntry.name == "lost").values(task="a.lost"))
    began = entry("lost").created_at
    fire_due(at=began + timedelta(seconds=11))
    assert {job.task for job in jobs()} == {"pricing.recompute_all_discounts"}
    assert '"a.lost"' in str(entry("lost").problem)
    assert entry("lost").next_at == began + timedelta(seconds=11) + AGAIN
    monkeypatch.setitem(
        registry._DECLARED, "a.lost", replace(next(iter(scheduled().values())), name="a.lost")
    )
    fire_due(at=began + timedelta(seconds=42))
    assert {job.task for job in jobs()} == {"pricing.recompute_all_discounts", "a.lost"}
    assert entry("lost").problem is None


def test_an_edit_that_comes_between_looking_and_firing_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    made("edited")
    began = entry("edited").created_at
    really = fire._fire_part

    def edited_first(entries: Any, *, now: Any) -> None:
        with transaction() as session:
            service.change(session, "edited", ScheduleChange(enabled=False))
        really(entries, now=now)

    monkeypatch.setattr(fire, "_fire_part", edited_first)
    fire_due(at=began + timedelta(seconds=11))
    assert jobs() == []
    assert (entry("edited").enabled, entry("edited").next_at) == (False, None)


def test_a_missed_moment_stands_in_the_history(configure: Callable[..., None]) -> None:
    configure(catch_up_seconds=1)
    made("late", every_seconds=3600)
    began = entry("late").created_at
    fire_due(at=began + timedelta(hours=3, minutes=59))
    assert moments_of("late") == [("missed", None)]


def test_many_schedules_at_once_are_fired_in_few_transactions(database: Engine) -> None:
    made("first", every_seconds=3600)
    rows = [f"many-{number}" for number in range(250)]
    with transaction() as session:
        for name in rows:
            service.create(
                session,
                ScheduleDraft(name=name, task="pricing.recompute_all_discounts", every_seconds=3600),
            )
    commits: list[int] = []
    event.listen(database, "commit", lambda _: commits.append(1))
    fire_due(at=entry("first").next_at)
    assert len(jobs()) == 251
    assert len(commits) < 10

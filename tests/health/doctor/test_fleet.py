"""What the doctor says about pools, workers, beat, schedules and overdue jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app.db.sessions import transaction
from app.health.doctor import fleet
from app.health.doctor.finding import Level
from app.jobs.ledger.models import Job, State, Worker
from app.schedule.defaults import seed
from app.schedule.leader import lead
from app.schedule.models import ScheduleEntry
from app.settings.config import settings
from app.topology import POOLS
from tests.jobs import samples

pytestmark = pytest.mark.usefixtures("database")

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CLEANUP = "pricing.cleanup_expired_discounts"


def worker_seen(node: str, *, at: datetime | None = None, release: str | None = None) -> None:
    seen = at or datetime.now(UTC)
    values = {"node": node, "release": release or settings().release, "concurrency": 1}
    with transaction() as session:
        session.add(Worker(name=f"{node}#1", started_at=seen, seen_at=seen, **values))


def accepted(**values: object) -> str:
    job_id = str(samples.greet.delay("Ada").id)
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))
    return job_id


def fired(name: str, *, at: datetime) -> None:
    with transaction() as session:
        seed(session)
        session.execute(update(ScheduleEntry).where(ScheduleEntry.name == name).values(next_at=at))


def test_the_topology_and_the_tasks_are_in_order() -> None:
    assert fleet.tasks_can_be_imported().level is Level.OK
    assert fleet.queues_are_drained().level is Level.OK


def test_each_pool_needs_a_worker_that_was_heard_of() -> None:
    first, *others = POOLS
    for pool in others:
        worker_seen(f"{pool.name}@here")
    worker_seen(f"{first.name}@there", at=LONG_AGO)
    finding = fleet.workers_are_alive()
    assert finding.level is Level.PROBLEM
    assert first.name in finding.sentence
    assert not any(pool.name in finding.sentence for pool in others)
    worker_seen(f"{first.name}@here")
    assert fleet.workers_are_alive().level is Level.OK


def test_a_worker_that_has_fallen_silent_is_named() -> None:
    worker_seen("standard@here")
    assert fleet.workers_renew_their_leases().level is Level.OK
    # Another one of the same pool lives, so the pool is not missed.
    worker_seen("standard@there", at=datetime.now(UTC) - timedelta(seconds=settings().lease_seconds + 30))
    finding = fleet.workers_renew_their_leases()
    assert finding.level is Level.WARNING
    assert "standard@there for " in finding.sentence
    assert "standard@here" not in finding.sentence


def test_workers_of_another_release_are_warned_about() -> None:
    worker_seen("standard@here")
    assert fleet.releases_agree().level is Level.OK
    worker_seen("standard@there", release="2020-01-01")
    finding = fleet.releases_agree()
    assert finding.level is Level.WARNING
    assert "2020-01-01" in finding.sentence


def test_without_a_leading_beat_nothing_fires() -> None:
    assert fleet.beat_is_alive().level is Level.PROBLEM
    lead("beat", holder="here#1")
    assert fleet.beat_is_alive().level is Level.OK


def test_a_schedule_that_did_not_fire_is_a_problem() -> None:
    fired(CLEANUP, at=datetime.now(UTC))
    assert fleet.schedules_fire().level is Level.OK


def test_a_schedule_that_fired_too_long_ago_is_a_problem() -> None:
    fired(CLEANUP, at=LONG_AGO)
    finding = fleet.schedules_fire()
    assert finding.level is Level.PROBLEM
    assert CLEANUP in finding.sentence


def test_a_schedule_whose_task_is_gone_is_warned_about() -> None:
    with transaction() as session:
        seed(session)
    assert fleet.schedules_can_fire().level is Level.OK
    with transaction() as session:
        session.execute(
            update(ScheduleEntry).where(ScheduleEntry.name == CLEANUP).values(name="pricing.forgotten")
        )
        seed(session)
    finding = fleet.schedules_can_fire()
    assert finding.level is Level.WARNING
    assert "pricing.forgotten" in finding.sentence


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("task", "pricing.cleanup_expired", CLEANUP),
        ("queue", "abandoned", "abandoned"),
        ("arguments", {"dayz": 3}, "dayz"),
        ("cron", "0 0 30 2 *", "0 0 30 2 *"),
        ("timezone", "Europe/Berlim", "Europe/Berlin"),
    ],
)
def test_a_schedule_that_cannot_fire_is_a_problem(column: str, value: object, said: str) -> None:
    with transaction() as session:
        seed(session)
        session.execute(update(ScheduleEntry).where(ScheduleEntry.name == CLEANUP).values({column: value}))
    finding = fleet.schedules_can_fire()
    assert finding.level is Level.PROBLEM
    assert CLEANUP in finding.sentence
    assert said in finding.sentence


def test_a_schedule_without_a_success_in_its_time_is_a_problem() -> None:
    fired(CLEANUP, at=datetime.now(UTC) + timedelta(hours=1))
    with transaction() as session:
        session.execute(
            update(ScheduleEntry).where(ScheduleEntry.name == CLEANUP).values(overdue_since=LONG_AGO)
        )
    finding = fleet.schedules_fire()
    assert finding.level is Level.PROBLEM
    assert CLEANUP in finding.sentence


def test_jobs_in_a_queue_that_no_pool_drains_are_a_problem() -> None:
    accepted(queue="abandoned")
    accepted(queue="abandoned", state=State.DONE)
    finding = fleet.jobs_wait_in_known_queues()
    assert finding.level is Level.PROBLEM
    assert "abandoned (1)" in finding.sentence


def test_jobs_that_wait_for_their_turn_are_not_overdue() -> None:
    accepted(state=State.READY)
    accepted(state=State.RUNNING, lease_until=datetime.now(UTC) + timedelta(minutes=1))
    accepted(state=State.SCHEDULED, run_at=datetime.now(UTC) + timedelta(hours=1))
    accepted(state=State.SCHEDULED, run_at=None)
    assert fleet.no_job_is_overdue().level is Level.OK


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"state": State.SCHEDULED, "run_at": LONG_AGO}, "not_promoted"),
        ({"state": State.RUNNING, "lease_until": LONG_AGO}, "lease_ended"),
    ],
)
def test_what_beat_should_have_mended_is_overdue(values: dict[str, object], reason: str) -> None:
    accepted(**values)
    finding = fleet.no_job_is_overdue()
    assert finding.level is Level.PROBLEM
    assert f"{reason} (1)" in finding.sentence

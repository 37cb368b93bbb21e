"""The health check finds what is wrong, whatever hangs, and tells it when it changes."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.health.checks import service
from app.health.checks.check import Check, Found
from app.health.checks.looks import CHECKS
from app.health.checks.models import CheckState, HealthCheck
from app.health.doctor.finding import Finding
from app.jobs.ledger.models import Job, State
from app.jobs.pauses import service as pauses
from app.jobs.pauses.models import QueuePause
from app.jobs.quarantine import quarantine
from app.outbound.alerts.models import Alert
from app.schedule.defaults import seed
from app.schedule.models import ScheduleEntry
from app.settings.config import settings
from tests.jobs.running import job_of
from tests.sample.tasks import add, alone
from tests.servers import stretched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine


@pytest.fixture(autouse=True)
def configured(database: Engine, configure: Callable[..., None]) -> None:
    assert database
    configure(alert_recovery_seconds=0)


def check(*checks: Check) -> dict[str, service.Carried]:
    carried = service.carry_out_all(checks or CHECKS)
    with transaction() as session:
        service.record(session, carried)
    return {one.check.kind: one for one in carried}


def rows() -> list[HealthCheck]:
    with reading() as session:
        return list(session.scalars(select(HealthCheck).order_by(HealthCheck.id)))


def open_kinds() -> list[tuple[str, str]]:
    with reading() as session:
        found = session.execute(select(Alert.kind, Alert.subject).where(Alert.closed_at.is_(None)))
        return sorted((kind, subject) for kind, subject in found)


def test_every_check_is_one_row_that_says_what_it_found() -> None:
    found = check()
    assert [row.kind for row in rows()] == [one.kind for one in CHECKS] == list(found)
    states = {row.kind: row.state for row in rows()}
    # No worker and no beat run here.
    assert {kind for kind, state in states.items() if state != "ok"} - {"disk"} == {"workers", "beat"}
    assert found["workers"].found == Found(findings=found["workers"].found.findings, value=0)  # type: ignore[union-attr]


def test_twice_in_a_window_is_one_row_each_of_what_was_found_last() -> None:
    check()
    add.delay(1, 1)
    check()
    found = {row.kind: row.value for row in rows()}
    assert (len(rows()), found["queue_depth"]) == (len(CHECKS), 1.0)


def test_jobs_that_wait_for_their_turn_are_no_trouble(configure: Callable[..., None]) -> None:
    configure(health_queue_depth=1, health_queue_age_seconds=60)
    _, *others = [alone.delay(0.0).id for _ in range(4)]
    with transaction() as session:
        session.execute(update(Job).values(run_at=clock(-300)).where(Job.id.in_(others)))
    assert {job_of(job_id).published_at for job_id in others} == {None}
    check()
    assert open_kinds() == []


def test_jobs_that_wait_too_long_or_are_too_many_are_told_by_queue(configure: Callable[..., None]) -> None:
    configure(health_queue_depth=1, health_queue_age_seconds=60)
    with transaction() as session:
        add.delay(1, 1)
        add.delay(1, 1)
        session.flush()
        for job in session.scalars(select(Job)):
            job.run_at = job.accepted_at - timedelta(minutes=5)
    check()
    assert open_kinds() == [("queue_age", "default"), ("queue_depth", "default")]
    with transaction() as session:
        for job in session.scalars(select(Job)):
            job.state = State.CANCELLED
    check()
    assert open_kinds() == []


def test_jobs_of_a_paused_queue_are_no_trouble_until_the_pause_may_be_forgotten(
    configure: Callable[..., None],
) -> None:
    configure(health_queue_depth=1, health_queue_age_seconds=60)
    with transaction() as session:
        pauses.pause(session, "default", reason="The bank moves.", by="ann")
        add.delay(1, 1)
        add.delay(1, 1)
        session.flush()
        for job in session.scalars(select(Job)):
            job.run_at = job.accepted_at - timedelta(minutes=5)
    check()
    assert open_kinds() == []
    with transaction() as session:
        session.execute(update(QueuePause).values(since=clock(-5 * 3600)))
    check()
    assert open_kinds() == [("queue_paused", "default")]
    with transaction() as session:
        pauses.resume(session, "default", by="ann")
    check()
    assert open_kinds() == [("queue_age", "default"), ("queue_depth", "default")]


def test_what_is_in_quarantine_is_told() -> None:
    quarantine.add(b"\xff", queue="default", problem="not JSON")
    check()
    assert open_kinds() == [("quarantine", "")]


def test_a_schedule_that_is_overdue_is_told_and_so_is_its_recovery() -> None:
    with transaction() as session:
        seed(session)
        entry = session.scalars(select(ScheduleEntry).order_by(ScheduleEntry.name)).first()
        assert entry is not None
        name, entry.overdue_since = entry.name, entry.created_at
    check()
    assert open_kinds() == [("schedules", name)]
    with transaction() as session:
        session.get_one(ScheduleEntry, name).overdue_since = None
    check()
    assert open_kinds() == []


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Check]:
    """A check of something that does not answer until the test ends."""
    monkeypatch.setattr(service, "TIMEOUT", timedelta(seconds=round(stretched(0.5), 1)))
    ended = threading.Event()

    def hang() -> Found:
        ended.wait(60)
        return Found()

    yield Check(kind="tape", look=hang)
    ended.set()


def test_what_hangs_is_unknown_and_holds_nobody_up(hanging: Check) -> None:
    for _ in range(3):
        found = check(hanging, CHECKS[0])
        assert found["tape"].state is CheckState.UNKNOWN
        assert found["tape"].sentence == f"tape gave no answer within {service.TIMEOUT.total_seconds():g} s."
        assert found["database"].state is CheckState.OK
    assert sum(thread.name == "look-tape" for thread in threading.enumerate()) == 1


def test_what_is_unknown_leaves_an_alert_as_it_is(hanging: Check) -> None:
    full = Found(findings={"": Finding.problem("health", "It is full.", fix="Make room.")})
    check(Check(kind="tape", look=lambda: full))
    check(hanging)
    assert open_kinds() == [("tape", "")]


def test_a_check_that_fails_is_a_problem_and_the_others_are_carried_out() -> None:
    def fail() -> Found:
        raise RuntimeError("no such device \ud800\x00" + "x" * 100_000)

    found = check(Check(kind="tape", look=fail), CHECKS[0])
    assert found["tape"].state is CheckState.PROBLEM
    assert "no such device" in found["tape"].sentence
    assert found["database"].state is CheckState.OK
    assert open_kinds() == [("tape", "")]
    check(Check(kind="tape", look=Found))
    assert open_kinds() == []


def test_a_redis_that_is_away_is_a_row_and_no_matter_for_the_others(configure: Callable[..., None]) -> None:
    configure(redis_url="redis://127.0.0.1:1/0")
    found = check()
    assert found["redis"].state is CheckState.PROBLEM
    assert found["quarantine"].state is CheckState.PROBLEM
    assert found["queue_depth"].state is CheckState.OK


def test_the_disk_is_that_of_this_host(configure: Callable[..., None]) -> None:
    configure(health_disk_free_mib=10**9)
    check()
    ((kind, subject),) = open_kinds()
    assert (kind, bool(subject)) == ("disk", True)
    configure(health_disk_free_mib=1)
    assert settings().health_disk_free_mib == 1
    check()
    assert open_kinds() == []

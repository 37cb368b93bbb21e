"""Beat as processes: one leads, another stands by, and no outage ends it."""

from __future__ import annotations

import atexit
import signal
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text, update

from app.celery_app import celery_app
from app.db.clock import clock
from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.jobs.celery.application import make_celery
from app.jobs.ledger.models import Job, State
from app.jobs.transitions import rollup
from app.schedule import beat
from app.schedule.beat import LedgerScheduler, ScheduleElsewhere
from app.schedule.models import Leader, ScheduleEntry
from app.settings.config import settings
from tests.sample import tasks
from tests.servers import TEMPLATE, PostgresServer, RedisServer, stop, stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from celery import Celery

    from tests.fleet import Fleet, Process

pytestmark = pytest.mark.databases("postgresql")

#: A standby looks every three seconds whether it is needed.
TAKE_OVER = 8


def holder() -> str | None:
    with reading() as session:
        return session.scalar(select(Leader.holder).where(Leader.until > clock()))


def start_standby(fleet: Fleet) -> Process:
    standby = fleet.start_beat("standby", leads=False)
    wait_until(lambda: "beat: Starting" in standby.log.read_text(), seconds=20, what="the standby starts")
    return standby


def is_published(job_id: str) -> bool:
    with reading() as session:
        job = session.get_one(Job, job_id)
        return job.state == State.READY and job.published_at is not None


def test_the_standby_leads_at_once_when_the_leader_stops(fleet: Fleet) -> None:
    leader = fleet.start_beat()
    start_standby(fleet)
    first = holder()
    assert first
    leader.stop()
    wait_until(lambda: holder() not in (None, first), seconds=TAKE_OVER, what="the standby leads")


def test_the_standby_leads_after_the_term_of_a_leader_that_was_killed(fleet: Fleet) -> None:
    leader = fleet.start_beat()
    start_standby(fleet)
    first = holder()
    leader.kill()
    assert holder() == first
    with transaction() as session:  # as the end of its fifteen seconds would
        session.execute(update(Leader).values(until=clock(-1)))
    wait_until(lambda: holder() not in (None, first), seconds=TAKE_OVER, what="the standby leads")


def test_a_due_job_becomes_ready_and_is_sent(fleet: Fleet) -> None:
    result = tasks.add.apply_async((1, 1), countdown=0.5)
    fleet.start_beat()
    wait_until(lambda: is_published(result.id), seconds=10, what="the due job is sent")


def test_a_schedule_is_fired_by_the_process(fleet: Fleet, configure: Callable[..., None]) -> None:
    configure(catch_up_seconds=366 * 24 * 3600)
    beat = fleet.start_beat()
    wait_until(lambda: schedules_known(), seconds=10, what="beat has seen the schedules")
    # While it ticks, it writes the same rows.
    beat.stop()
    with transaction() as session:
        long_ago = clock(-400 * 24 * 3600)
        session.execute(update(ScheduleEntry).values(seen_until=long_ago, next_at=long_ago))
    fleet.start_beat()
    wait_until(lambda: fired() == schedules_known(), seconds=10, what="every schedule is fired")


def schedules_known() -> set[str]:
    with reading() as session:
        return set(session.scalars(select(ScheduleEntry.name)))


def fired() -> set[str]:
    with reading() as session:
        return set(session.scalars(select(Job.task).where(Job.key.like("schedule:%"))))


def test_beat_works_on_after_redis_was_away(fleet: Fleet, configure: Callable[..., None]) -> None:
    redis = RedisServer()
    redis.start()
    try:
        configure(redis_url=redis.url)
        beat = fleet.start_beat()
        redis.kill()
        wait_until(lambda: "broker_away" in beat.log.read_text(), seconds=10, what="beat misses Redis")
        result = tasks.add.delay(1, 1)
        assert not is_published(result.id)
        redis.start()
        wait_until(lambda: is_published(result.id), seconds=10, what="the job is sent")
        assert beat.popen.poll() is None
    finally:
        redis.close()


@pytest.fixture
def own_postgres(
    fleet: Fleet, configure: Callable[..., None], postgres_data: Path
) -> Iterator[PostgresServer]:
    """A PostgreSQL that the test may stop."""
    server = PostgresServer()
    server.start(copy_of=postgres_data)
    configure(database_url=server.url(TEMPLATE))
    yield server
    engine().dispose()
    server.close()


@pytest.mark.databases("sqlite")
def test_beat_works_on_after_the_database_was_away(fleet: Fleet, own_postgres: PostgresServer) -> None:
    beat = fleet.start_beat()
    result = tasks.add.apply_async((1, 1), countdown=1)
    assert own_postgres.process
    stop(own_postgres.process, how=signal.SIGINT)
    wait_until(
        lambda: "beat_tick_failed" in beat.log.read_text(), seconds=10, what="beat misses the database"
    )
    own_postgres.resume()
    engine().dispose()
    wait_until(lambda: is_published(result.id), seconds=15, what="the due job is sent")
    assert beat.popen.poll() is None


def test_a_beat_that_is_stopped_in_the_middle_of_a_tick_ends_at_once(fleet: Fleet) -> None:
    beat = fleet.start_beat()
    with transaction() as session:
        session.execute(update(Leader).values(name=Leader.name))
        time.sleep(1)  # longer than a tick, so that beat waits for this transaction
        beat.popen.send_signal(signal.SIGTERM)
    began = time.monotonic()
    stop(beat.popen)
    assert time.monotonic() - began < stretched(TAKE_OVER)
    assert holder() is None


def waiting() -> int:
    """How many transactions wait for another one."""
    with reading() as session:
        return session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")) or 0


def test_a_second_stop_does_not_keep_beat_from_resigning(fleet: Fleet) -> None:
    beat = fleet.start_beat()
    with transaction() as session:
        # Ticks renew what is in the row meanwhile; to delete it has to wait.
        session.execute(select(Leader.name).with_for_update(read=True, key_share=True))
        beat.popen.send_signal(signal.SIGTERM)
        wait_until(waiting, seconds=30, what="beat resigns")
        beat.popen.send_signal(signal.SIGTERM)
    beat.popen.wait(timeout=stretched(30))
    assert holder() is None


def add_by_setting(app: Celery) -> None:
    app.conf.beat_schedule = {"nightly": {"task": "sample.add", "schedule": 60, "args": (1, 2)}}


def add_by_call(app: Celery) -> None:
    app.add_periodic_task(60, tasks.add.s(1, 2), name="nightly")


def add_when_ready(app: Celery) -> None:
    app.on_after_finalize.connect(lambda sender, **_: add_by_call(sender), weak=False)


@pytest.mark.parametrize("add", [add_by_setting, add_by_call, add_when_ready])
@pytest.mark.usefixtures("database")
def test_a_schedule_that_would_never_fire_is_refused_at_the_start(add: Callable[[Celery], None]) -> None:
    try:
        LedgerScheduler(app=make_celery(settings()))
        app = make_celery(settings())
        add(app)
        with pytest.raises(ScheduleElsewhere, match=r"nightly would never fire.*Put the schedule on each"):
            LedgerScheduler(app=app)
    finally:
        celery_app.set_current()


@pytest.mark.usefixtures("database", "redis_server")
def test_what_there_was_no_time_to_forget_is_forgotten_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction():
        old = str(tasks.add.apply_async((1, 2)).id)
    long_ago = clock(-2 * timedelta(days=settings().retention_days).total_seconds())
    with transaction() as session:
        session.execute(update(Job).where(Job.id == old).values(state=State.DONE.value, finished_at=long_ago))
        # Beat has counted it.
        rollup.roll_up(session)
    monkeypatch.setattr(beat, "PRUNE_AGAIN", timedelta(0))
    # It is not this process that would resign at its end.
    monkeypatch.setattr(atexit, "register", lambda _: None)
    try:
        scheduler = LedgerScheduler(app=make_celery(settings()))
        monkeypatch.setattr(beat, "PRUNING", timedelta(0))
        scheduler.tick()
        assert is_known(old)
        monkeypatch.setattr(beat, "PRUNING", timedelta(minutes=1))
        scheduler.tick()
        assert not is_known(old)
    finally:
        celery_app.set_current()


def is_known(job_id: str) -> bool:
    with reading() as session:
        return session.get(Job, job_id) is not None

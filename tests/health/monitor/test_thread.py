"""The monitor tells at once what keeps jobs from being done, with or without the database."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.health.monitor import thread
from app.health.monitor.thread import Monitor
from app.jobs.ledger.models import Job, State, Worker
from app.outbound.alerts import process
from app.outbound.alerts.models import Alert
from app.outbound.alerts.telling import DELIVER_TASK
from app.schedule.defaults import seed
from app.schedule.leader import lead, resign
from app.schedule.models import Leader, ScheduleEntry
from app.topology import POOLS
from tests import preloaded
from tests.fakes.http_server import Answer
from tests.outbound.alerts.conftest import hooks
from tests.sample.tasks import add
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.fakes.hooks import HookServer
    from tests.fleet import Fleet

__all__ = ["hooks"]

#: Nobody listens there.
AWAY = "postgresql://nobody@127.0.0.1:1/none"
NO_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture
def told(
    database: Engine,
    hooks: HookServer,
    configure: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], list[str]]:
    """What Slack was told, each by its first line; a worker of each pool and a beat are alive."""
    assert database
    configure(alert_slack_urls=hooks.slack_url, alert_after_seconds=0, alert_recovery_seconds=0)
    configure(health_disk_free_mib=1)
    monkeypatch.setattr(process, "_COMMAND", preloaded.command("app.outbound.alerts.sending"))
    be_alive()
    return lambda: [text.splitlines()[0].removeprefix("[Groundwork] ") for text in hooks.texts]


def be_alive() -> None:
    lead("beat", holder="here")
    with transaction() as session:
        # Longer than a term, in which a crowded machine does not come through a test.
        session.get_one(Leader, "beat").until = clock(3_600)
        for pool in POOLS:
            row = {"name": pool.name, "node": f"{pool.name}@here", "release": "dev", "concurrency": 1}
            session.execute(insert(Worker).values(**row, started_at=clock(), seen_at=clock()))


def test_where_all_is_well_nothing_is_told(told: Callable[[], list[str]]) -> None:
    Monitor().work()
    assert told() == []


@pytest.mark.databases("postgresql")
def test_a_beat_that_is_gone_is_told_once_and_its_return_once(told: Callable[[], list[str]]) -> None:
    resign("beat", holder="here")
    one, other = Monitor(), Monitor()
    for monitor in (one, other, one):
        monitor.work()
    assert told() == ["Problem: beat"]
    lead("beat", holder="here")
    for monitor in (one, other):
        monitor.work()
    assert told() == ["Problem: beat", "Recovered: beat"]


def test_a_pool_without_a_worker_is_told_by_its_name(told: Callable[[], list[str]]) -> None:
    with transaction() as session:
        session.delete(session.get_one(Worker, "bulk"))
    Monitor().work()
    assert told() == ["Problem: workers bulk"]


def test_jobs_that_nobody_brings_forward_are_told_by_beat_alone(told: Callable[[], list[str]]) -> None:
    with transaction() as session:
        add.apply_async((1, 1), countdown=3_600)
        session.flush()
        session.execute(update(Job).values(run_at=clock(-600)))
    Monitor().work()
    assert told() == []
    for _ in range(2):
        Monitor(of_ledger=True).work()
    with transaction() as session:
        session.execute(update(Job).values(state=State.CANCELLED))
    Monitor(of_ledger=True).work()
    assert told() == ["Problem: overdue", "Recovered: overdue"]


def test_a_backup_that_is_too_old_is_told_by_its_host(
    told: Callable[[], list[str]], configure: Callable[..., None], tmp_path: Path
) -> None:
    status = tmp_path / "status.json"
    status.write_text('{"made_at": "2026-01-01T00:00:00+00:00", "max_age_hours": 26}')
    configure(backup_status=status)
    Monitor().work()
    assert told() == [f"Problem: backup {socket.gethostname()}"]


def test_what_is_wrong_for_a_moment_is_not_told(
    told: Callable[[], list[str]], configure: Callable[..., None]
) -> None:
    configure(alert_after_seconds=3_600)
    with transaction() as session:
        session.delete(session.get_one(Worker, "bulk"))
    monitor = Monitor()
    monitor.work()
    configure(database_url=AWAY)
    monitor.work()
    assert told() == []


def test_a_schedule_that_is_overdue_is_told_once_and_its_recovery_once(
    told: Callable[[], list[str]],
) -> None:
    name = "banking.sync_all_accounts"
    with transaction() as session:
        seed(session)
        session.get_one(ScheduleEntry, name).overdue_since = clock()
    for _ in range(2):
        Monitor().work()
    with transaction() as session:
        session.get_one(ScheduleEntry, name).overdue_since = None
    for _ in range(2):
        Monitor().work()
    assert told() == [f"Problem: schedules {name}", f"Recovered: schedules {name}"]


@pytest.mark.databases("sqlite")
def test_a_redis_that_is_away_is_told_though_no_job_can_be(
    told: Callable[[], list[str]], configure: Callable[..., None], redis_url: str
) -> None:
    configure(redis_url=NO_REDIS)
    Monitor().work()
    assert told() == ["Problem: redis"]
    with reading() as session:
        job = session.scalars(select(Job).where(Job.task == DELIVER_TASK)).one()
    assert job.state == State.SCHEDULED  # for the case that nobody came to send it
    configure(redis_url=redis_url)
    Monitor().work()
    assert told() == ["Problem: redis", "Recovered: redis"]


@pytest.mark.databases("sqlite")
def test_a_database_that_is_away_is_told_without_it_by_one_of_many(
    told: Callable[[], list[str]], configure: Callable[..., None], database_url: str
) -> None:
    monitors = [Monitor(), Monitor()]
    configure(database_url=AWAY)
    for monitor in monitors * 2:
        monitor.work()
    assert told() == ["Problem: database"]
    configure(database_url=database_url)
    for monitor in [*monitors, Monitor()] * 2:
        monitor.work()
    assert told() == ["Problem: database", "Recovered: database"]
    with reading() as session:
        (alert,) = session.scalars(select(Alert))
    assert (alert.kind, alert.closed_at is None) == ("database", False)


@pytest.mark.databases("sqlite")
def test_the_next_outage_is_told_as_the_first_was(
    told: Callable[[], list[str]], configure: Callable[..., None], database_url: str
) -> None:
    monitor = Monitor()
    for _ in range(2):
        configure(database_url=AWAY)
        monitor.work()
        configure(database_url=database_url)
        monitor.work()
    assert told() == ["Problem: database", "Recovered: database"] * 2


@pytest.mark.databases("sqlite")
def test_a_channel_that_fails_is_tried_again_while_the_database_is_away(
    told: Callable[[], list[str]], configure: Callable[..., None], hooks: HookServer
) -> None:
    hooks.answers.append(Answer(status=503))
    configure(database_url=AWAY)
    monitor = Monitor()
    monitor.work()
    assert told() == []
    monitor.work()
    assert told() == ["Problem: database"]


@pytest.mark.databases("sqlite")
def test_with_redis_away_as_well_each_process_tells_once(
    told: Callable[[], list[str]], configure: Callable[..., None], database_url: str, redis_url: str
) -> None:
    monitor = Monitor()
    configure(database_url=AWAY, redis_url=NO_REDIS)
    for _ in range(3):
        monitor.work()
    assert told() == ["Problem: database"]
    configure(database_url=database_url, redis_url=redis_url)
    monitor.work()
    assert told()[:2] == ["Problem: database", "Recovered: database"]


@pytest.mark.databases("sqlite")
def test_an_outage_that_ended_while_nobody_watched_is_closed_by_who_comes_next(
    told: Callable[[], list[str]], configure: Callable[..., None], database_url: str
) -> None:
    configure(database_url=AWAY)
    Monitor().work()
    configure(database_url=database_url)
    Monitor().work()
    assert told() == ["Problem: database", "Recovered: database"]


@pytest.mark.databases("postgresql")
def test_a_database_that_says_nothing_at_all_is_away(
    told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, configure: Callable[..., None]
) -> None:
    monkeypatch.setattr(thread, "TIMEOUT", timedelta(seconds=0.5))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        configure(database_url=f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none")
        Monitor().work()
    assert told() == ["Problem: database"]


@pytest.mark.databases("postgresql")
def test_a_worker_tells_that_beat_was_killed(
    fleet: Fleet, hooks: HookServer, configure: Callable[..., None]
) -> None:
    configure(alert_slack_urls=hooks.slack_url, alert_after_seconds=1, health_disk_free_mib=1)
    beat = fleet.start_beat()
    fleet.start_worker()
    beat.kill()

    def told_of_beat() -> bool:
        return any("Problem: beat" in text for text in hooks.texts)

    wait_until(told_of_beat, seconds=60, what="Slack is told of beat")
    assert sum("Problem: beat" in text for text in hooks.texts) == 1

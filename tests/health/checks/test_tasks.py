"""Real workers carry the health check out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.health.checks.looks import CHECKS
from app.health.checks.models import HealthCheck
from app.health.checks.tasks import forget_checks, health_check
from app.jobs.declaration.registry import tasks
from app.jobs.ledger.models import Job, State
from app.outbound.deliveries.models import Delivery
from app.schedule.spec import Every
from tests.outbound.alerts.conftest import hooks
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.hooks import HookServer
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")

__all__ = ["hooks"]

SECONDS = 60
QUEUES = "maintenance,notifications"
#: Of the lock that the test holds the insert up with.
LOCK = 4712
HOLD_UP = f"""
CREATE FUNCTION hold_up() RETURNS trigger AS $$
BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NULL; END $$ LANGUAGE plpgsql;
CREATE TRIGGER hold_up AFTER INSERT ON health_check FOR EACH STATEMENT EXECUTE FUNCTION hold_up();
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def counted() -> tuple[int, int]:
    """How many kinds and how many windows there are."""
    with reading() as session:
        kinds, windows = func.count(HealthCheck.kind.distinct()), func.count(HealthCheck.window_at.distinct())
        found = session.execute(select(kinds, windows, func.count(HealthCheck.id))).one()
    assert found[2] == found[0] * found[1]
    return found[0], found[1]


def test_it_runs_every_five_minutes() -> None:
    schedule = tasks()["health.health_check"].schedule
    assert isinstance(schedule, Every)
    assert schedule.interval == timedelta(seconds=300)


def test_it_runs_twice_and_tells_once(
    fleet: Fleet, hooks: HookServer, configure: Callable[..., None]
) -> None:
    configure(alert_slack_urls=hooks.slack_url, health_disk_free_mib=10**9)
    fleet.start_worker(queues=QUEUES)
    for _ in range(2):
        assert sum(health_check.delay().get(timeout=SECONDS).values()) == len(CHECKS)
    kinds, windows = counted()
    assert kinds == len(CHECKS)
    assert windows in (1, 2)  # it may be just then that a window ends
    wait_until(lambda: hooks.texts, seconds=SECONDS, what="Slack is told")
    assert len(hooks.texts) == 1
    assert "of the disk are free" in hooks.texts[0]


def test_a_worker_that_is_killed_before_its_commit_leaves_one_row_and_one_alert(
    fleet: Fleet, configure: Callable[..., None], hooks: HookServer
) -> None:
    configure(alert_slack_urls=hooks.slack_url, health_disk_free_mib=10**9)
    with transaction() as session:
        session.execute(text(HOLD_UP))
    with engine().connect() as holder:
        holder.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        first = fleet.start_worker("first", queues=QUEUES, processes=1)
        job = health_check.delay()
        wait_until(is_held_up, seconds=SECONDS, what="a row is written, and not committed")
        first.kill()
        holder.execute(text(f"SELECT pg_advisory_unlock({LOCK})"))
    fleet.start_beat()
    fleet.start_worker("second", queues=QUEUES, processes=1)
    wait_until(lambda: state_of(job.id) == State.DONE, seconds=SECONDS, what="another did it")
    assert counted()[0] == len(CHECKS)
    with reading() as session:
        assert session.scalar(select(func.count(Delivery.id))) == 1


def is_held_up() -> bool:
    with reading() as session:
        return bool(session.scalar(text(WAITING)))


def state_of(job_id: str) -> str:
    with reading() as session:
        return session.get_one(Job, job_id).state


@pytest.mark.databases("sqlite")
def test_what_was_found_long_ago_is_forgotten(fleet: Fleet) -> None:
    fleet.start_worker(queues=QUEUES)
    health_check.delay().get(timeout=SECONDS)
    with transaction() as session:
        for row in session.scalars(select(HealthCheck).where(HealthCheck.kind != "disk")):
            row.window_at -= timedelta(days=31)
    assert [forget_checks.delay().get(timeout=SECONDS) for _ in range(2)] == [len(CHECKS) - 1, 0]

"""Real workers count what users do, and show it to those whose it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.stats.models import UserStat
from app.domains.stats.tasks import sync_stats
from app.jobs.declaration.registry import tasks
from app.jobs.ledger.models import Job, State
from app.schedule.spec import Cron
from tests.api_client import client_for
from tests.command_line import groundwork
from tests.domains.notifications import people
from tests.domains.stats.test_service import hours_ago, operate
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fleet import Fleet

SECONDS = 60
LOCK = 4713
HOLD_UP = f"""
CREATE FUNCTION hold_up() RETURNS trigger AS $$
BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NULL; END $$ LANGUAGE plpgsql;
CREATE TRIGGER hold_up AFTER INSERT ON user_stat FOR EACH STATEMENT EXECUTE FUNCTION hold_up();
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def counted() -> list[tuple[int, int]]:
    with reading() as session:
        rows = session.execute(select(UserStat.user_id, UserStat.operations))
        return [(user_id, operations) for user_id, operations in rows]


def state_of(job_id: str) -> str:
    with reading() as session:
        return session.get_one(Job, job_id).state


def is_held_up() -> bool:
    with reading() as session:
        return bool(session.scalar(text(WAITING)))


def test_it_runs_every_hour() -> None:
    schedule = tasks()["stats.sync_stats"].schedule
    assert isinstance(schedule, Cron)
    assert schedule.expression == "0 * * * *"


def test_it_runs_twice_with_one_effect_and_shows_it(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    user = people.add_user()
    operate(user, at=hours_ago(1))
    fleet.start_worker(queues="analytics")
    for _ in range(2):
        assert sync_stats.delay().get(timeout=SECONDS)["rows"] >= 1
    assert counted() == [(user, 1)]
    with client_for("stats:read") as client:
        answer = client.get(f"/api/v1/users/{user}/stats").json()
        assert client.get("/api/v1/users/4711/stats").status_code == 404
        assert client.get(f"/api/v1/users/{user}/stats", params={"days": 367}).status_code == 422
    assert (answer["operations"], answer["logins"], answer["days"]) == (1, 0, 30)
    shown = json.loads(groundwork(capsys, "stats", "show", str(user), "--json").out)
    assert (shown["operations"], shown["last_seen_at"] is not None) == (1, True)


@pytest.mark.databases("postgresql")
def test_a_worker_that_is_killed_before_its_commit_counts_nothing_twice(fleet: Fleet) -> None:
    user = people.add_user()
    operate(user, at=hours_ago(1))
    with transaction() as session:
        session.execute(text(HOLD_UP))
    with engine().connect() as holder:
        holder.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        first = fleet.start_worker("first", queues="analytics", processes=1)
        job = sync_stats.delay()
        wait_until(is_held_up, seconds=SECONDS, what="an hour is written, and not committed")
        first.kill()
        holder.execute(text(f"SELECT pg_advisory_unlock({LOCK})"))
    fleet.start_beat()
    fleet.start_worker("second", queues="analytics", processes=1)
    wait_until(lambda: state_of(job.id) == State.DONE, seconds=SECONDS, what="another did it")
    assert counted() == [(user, 1)]

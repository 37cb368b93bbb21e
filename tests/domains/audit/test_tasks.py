"""Real workers write each record once, whatever becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.audit import service
from app.domains.audit.facts import LoginStatus
from app.jobs.ledger.models import State
from tests.api_client import client_for
from tests.domains.audit.log import accepted, count, logins, operations, record
from tests.jobs.running import jobs_named
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fleet import Fleet

#: Of the lock that the tests hold the insert up with.
LOCK = 4711
HOLD_UP = f"""
CREATE FUNCTION hold_up() RETURNS trigger AS $$
BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NULL; END $$ LANGUAGE plpgsql;
CREATE TRIGGER hold_up AFTER INSERT ON operation_log FOR EACH STATEMENT EXECUTE FUNCTION hold_up();
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def is_held_up() -> bool:
    with reading() as session:
        return bool(session.scalar(text(WAITING)))


def all_done(task: str) -> bool:
    jobs = jobs_named(task)
    return bool(jobs) and all(job.state == State.DONE for job in jobs)


def test_a_request_and_a_sign_in_reach_their_logs(fleet: Fleet) -> None:
    with client_for() as client:
        client.post("/api/v1/jobs", json={}, headers={"User-Agent": "curl/8.1.2"})
    with transaction() as session:
        service.record_login(session, status=LoginStatus.SUCCESS, user_name="ann", user_id=7)
    fleet.start_worker(queues="audit")
    wait_until(lambda: count() and logins(), seconds=20, what="both logs are written")
    assert [(row.path, row.status, row.browser) for row in operations()] == [("/api/v1/jobs", 422, "curl 8")]
    assert [(row.user_name, row.user_id, row.status) for row in logins()] == [("ann", 7, "success")]


@pytest.mark.databases("postgresql")
def test_a_worker_that_is_killed_after_the_insert_loses_and_repeats_nothing(fleet: Fleet) -> None:
    with transaction() as session:
        session.execute(text(HOLD_UP))
        service.accept_operations(session, [record(path=f"/{number}") for number in range(3)])
    with engine().connect() as holder:
        holder.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        first = fleet.start_worker("first", queues="audit", processes=1)
        wait_until(is_held_up, seconds=20, what="the insert is done, and not committed")
        first.kill()
        holder.execute(text(f"SELECT pg_advisory_unlock({LOCK})"))
    fleet.start_beat()
    fleet.start_worker("second", queues="audit", processes=1)
    wait_until(lambda: all_done(service.OPERATION_TASK), seconds=30, what="the job is done by another")
    assert sorted(row.path for row in operations()) == ["/0", "/1", "/2"]


def test_a_batch_that_is_accepted_twice_is_written_once(fleet: Fleet) -> None:
    given = record()
    with transaction() as session:
        service.accept_operations(session, [given])
        service.accept_operations(session, [given, record()])
    assert len(accepted()) == 3
    fleet.start_worker(queues="audit")
    wait_until(lambda: all_done(service.OPERATION_TASK), seconds=20, what="both jobs are done")
    assert count() == 2

"""When a job runs: at once, later, within its limits, not any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from celery.exceptions import TaskRevokedError
from sqlalchemy import update

from app.db.clock import clock
from app.db.sessions import transaction
from app.jobs.ledger.models import Job, Outcome, State
from app.topology import Priority
from tests.jobs.running import (
    attempts_of,
    ended,
    job_of,
    send_again,
    wait_for_state,
)
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs.running import Service

pytestmark = pytest.mark.usefixtures("service")
LONG = 60


def test_a_soft_time_limit_of_one_call_is_kept(tmp_path: Path) -> None:
    result = tasks.wait_for_file.apply_async((str(tmp_path / "never"),), soft_time_limit=1)
    job = ended(result.id)
    assert job.state == State.DEAD
    assert "SoftTimeLimitExceeded" in str(job.error)


def test_a_countdown_is_a_row_and_runs_when_it_is_due(service: Service) -> None:
    result = tasks.add.apply_async((1, 1), countdown=1.5)
    job = job_of(result.id)
    assert (job.state, job.published_at) == (State.SCHEDULED, None)
    assert result.state == "PENDING"
    assert result.get(timeout=LONG) == 2
    done = job_of(result.id)
    assert done.started_at
    assert done.started_at - done.accepted_at >= timedelta(seconds=1.5)


def test_an_eta_is_kept_to_the_moment() -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    result = tasks.add.apply_async((1, 1), eta=moment)
    assert job_of(result.id).run_at == moment
    result.revoke()


def test_a_job_that_expired_before_anybody_began_it_is_cancelled() -> None:
    result = tasks.add.apply_async((1, 1), countdown=60, expires=0.5)
    job = ended(result.id)
    assert (job.state, job.error) == (State.CANCELLED, "expired")
    assert str(result.state) == "REVOKED"


def test_the_ledgers_clock_decides_about_expiry_and_not_the_workers() -> None:
    result = tasks.add.apply_async((1, 1), countdown=3600, expires=7200)
    with transaction() as session:
        ready = {"state": State.READY, "published_at": clock()}
        session.execute(update(Job).where(Job.id == result.id).values(**ready))
    long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    send_again(result.id, expires=long_ago)
    assert ended(result.id).state == State.DONE


def test_queue_and_priority_of_a_call_are_kept() -> None:
    result = tasks.add.apply_async((1, 1), queue="discounts", priority=Priority.URGENT)
    assert result.get(timeout=LONG) == 2
    job = job_of(result.id)
    assert (job.queue, job.priority) == ("discounts", Priority.URGENT)


def test_a_waiting_job_that_is_revoked_never_runs() -> None:
    result = tasks.record_effect.apply_async(("revoked",), countdown=3600)
    result.revoke()
    wait_for_state(result.id, State.CANCELLED)
    assert str(result.state) == "REVOKED"
    with pytest.raises(TaskRevokedError):
        result.get(timeout=LONG)


def test_a_running_job_goes_on_when_it_is_revoked_and_stops_when_it_is_terminated(tmp_path: Path) -> None:
    result = tasks.wait_for_file.delay(str(tmp_path / "never"))
    wait_until((tmp_path / "never.started").exists, seconds=LONG, what="it runs")
    result.revoke()
    assert result.state == "STARTED"
    result.revoke(terminate=True)
    assert str(result.state) == "REVOKED"
    assert [attempt.outcome for attempt in attempts_of(result.id)] == [Outcome.CANCELLED]
    (tmp_path / "never").touch()

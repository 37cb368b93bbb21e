"""What operators do with jobs, where it goes beyond what the routes' tests see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from app.db.sessions import reading, transaction
from app.jobs import service
from app.jobs.accept import accept
from app.jobs.broker import redis
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.jobs.listing import list_jobs
from app.jobs.views import JobFilter
from tests.jobs import samples

pytestmark = pytest.mark.usefixtures("database")

EVERYTHING = JobFilter()
DEPTH = "groundwork:maintenance\x06\x166"


def accepted(number: int = 1) -> list[str]:
    jobs = [new_job(samples.greet.name, kwargs={"name": str(index)}) for index in range(number)]
    with transaction() as session:
        return [answer.id for answer in accept(session, jobs)]


def die(ids: list[str]) -> None:
    with transaction() as session:
        died = {"state": State.DEAD, "finished_at": datetime.now(UTC), "attempt": 5, "error": "ValueError"}
        session.execute(update(Job).where(Job.id.in_(ids)).values(died))


def state_of(job_id: str) -> str:
    with reading() as session:
        return service.find_job(session, job_id=job_id).state


@pytest.mark.redis_only(reason="it looks into Redis")
def test_a_retry_is_published_only_once_it_is_committed() -> None:
    ids = accepted()
    die(ids)
    redis.client().flushdb()
    with transaction() as session:
        service.retry_job(session, job_id=ids[0])
        assert redis.client().llen(DEPTH) == 0
    assert redis.client().llen(DEPTH) == 1
    assert state_of(ids[0]) == State.READY


def test_a_link_whose_chain_broke_before_it_is_not_retried_by_itself() -> None:
    row = {"task": samples.greet.name, "queue": "maintenance", "priority": 6, "state": State.DEAD}
    empty = {"args": [], "kwargs": {}, "attempt": 0, "fence": 0, "error": "the link before is dead"}
    now = datetime.now(UTC)
    with transaction() as session:
        session.execute(insert(Job).values(id="link", accepted_at=now, finished_at=now, **row, **empty))
    with transaction() as session, pytest.raises(service.JobStateConflict, match="retry that one"):
        service.retry_job(session, job_id="link")
    with transaction() as session:
        later = now + timedelta(hours=1)
        assert service.retry_dead(session, filters=EVERYTHING, dead_before=later, limit=10) == 0


def test_a_retried_job_does_not_expire_at_once() -> None:
    ids = accepted()
    die(ids)
    with transaction() as session:
        session.execute(update(Job).values(expires_at=datetime.now(UTC) - timedelta(hours=1)))
    with transaction() as session:
        assert service.retry_job(session, job_id=ids[0]).expires_at is None


def test_a_retried_job_has_all_its_attempts_before_it() -> None:
    ids = accepted()
    die(ids)
    with transaction() as session:
        session.execute(update(Job).values(attempt=3, fence=3))
    with transaction() as session:
        job = service.retry_job(session, job_id=ids[0])
        assert (job.attempt, job.fence) == (0, 3)


def test_jobs_that_die_again_meanwhile_are_left_to_the_next_call() -> None:
    die(accepted(3))
    started = datetime.now(UTC) + timedelta(seconds=1)
    with transaction() as session:
        assert service.retry_dead(session, filters=EVERYTHING, dead_before=started, limit=10) == 3
    with transaction() as session:
        again = {"state": State.DEAD, "finished_at": started + timedelta(seconds=1)}
        session.execute(update(Job).values(again))
    with transaction() as session:
        assert service.retry_dead(session, filters=EVERYTHING, dead_before=started, limit=10) == 0


@pytest.mark.redis_only(reason="it looks into Redis")
def test_a_bulk_retry_sends_all_messages() -> None:
    die(accepted(20))
    redis.client().flushdb()
    with transaction() as session:
        later = datetime.now(UTC) + timedelta(hours=1)
        assert service.retry_dead(session, filters=EVERYTHING, dead_before=later, limit=15) == 15
    assert redis.client().llen(DEPTH) == 15


def test_positional_arguments_are_shown_by_name() -> None:
    with transaction() as session:
        job_id = accept(session, [new_job(samples.greet.name, args=["Ada", 2])])[0].id
    with reading() as session:
        assert service.detail_of(session, job_id=job_id).arguments == {"name": "Ada", "times": 2}


def test_a_job_of_a_task_that_is_no_more_can_be_looked_at_and_retried() -> None:
    ids = accepted()
    die(ids)
    with transaction() as session:
        session.execute(update(Job).values(task="pricing.was_removed", args=[1]))
    with reading() as session:
        assert service.detail_of(session, job_id=ids[0]).arguments == {"name": "0", "*": [1]}
    with transaction() as session:
        assert service.retry_job(session, job_id=ids[0]).state == State.READY


def test_a_page_boundary_within_one_moment_loses_nothing() -> None:
    ids = accepted(5)
    with transaction() as session:
        session.execute(update(Job).values(accepted_at=datetime.now(UTC)))
    seen: list[str] = []
    cursor: str | None = None
    with reading() as session:
        for _ in range(3):
            page = list_jobs(session, filters=EVERYTHING, limit=2, cursor=cursor)
            seen += [row.id for row in page.jobs]
            cursor = page.next
    assert cursor is None
    assert sorted(seen) == sorted(ids)

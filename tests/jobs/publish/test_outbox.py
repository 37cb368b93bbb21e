"""The outbox: what is sent after a commit, and what the ledger notes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.db.sessions import transaction
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.jobs.publish import outbox, sent
from tests.jobs.broker import waiting
from tests.jobs.running import all_jobs, job_of
from tests.sample import tasks

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.servers import RedisServer

pytestmark = pytest.mark.usefixtures("database")


def scheduled() -> str:
    return str(tasks.add.apply_async((1, 1), countdown=3600).id)


def test_a_job_made_ready_is_sent_after_the_commit(redis_server: RedisServer) -> None:
    job_id = scheduled()
    with transaction() as session:
        session.get_one(Job, job_id).state = State.READY
        outbox.publish_after_commit(session, [job_id])
        assert waiting(redis_server) == []
    assert waiting(redis_server) == [job_id]
    assert job_of(job_id).published_at


def test_a_job_that_is_not_ready_is_not_sent(redis_server: RedisServer) -> None:
    job_id = scheduled()
    with transaction() as session:
        outbox.publish_after_commit(session, [job_id])
    assert waiting(redis_server) == []
    assert job_of(job_id).published_at is None


def test_a_session_that_is_used_again_sends_each_job_once(
    database: Engine, redis_server: RedisServer
) -> None:
    accepted = []
    with Session(database) as session:
        for _ in range(3):
            accepted += accept(session, [new_job("sample.add")])
            session.commit()
        session.commit()
    assert waiting(redis_server) == [answer.id for answer in accepted]


def test_a_session_that_was_rolled_back_sends_only_what_came_after(
    database: Engine, redis_server: RedisServer
) -> None:
    with Session(database) as session:
        accept(session, [new_job("sample.add")])
        session.rollback()
        [kept] = accept(session, [new_job("sample.add")])
        session.commit()
    assert waiting(redis_server) == [kept.id]


def test_a_failing_commit_sends_nothing(database: Engine, redis_server: RedisServer) -> None:
    with Session(database) as session:
        accept(session, [new_job("sample.add", id="taken")])
        session.add(Job(id="taken"))
        with pytest.raises(Exception, match=r"(?i)null|unique"):
            session.commit()
    assert (all_jobs(), waiting(redis_server)) == ([], [])


def test_a_sent_job_can_be_marked_unsent_while_it_is_ready() -> None:
    ready, claimed = str(tasks.add.delay(1, 1).id), str(tasks.add.delay(1, 1).id)
    with transaction() as session:
        session.execute(update(Job).where(Job.id == claimed).values(state=State.RUNNING))
    sent.mark_unpublished([ready, claimed])
    assert job_of(ready).published_at is None
    assert job_of(claimed).published_at


def test_a_job_of_an_unknown_task_is_missed_only_after_a_while() -> None:
    job_id = str(tasks.add.delay(1, 1).id)
    accepted = job_of(job_id).accepted_at
    sent.offer_later(job_id)
    published = job_of(job_id).published_at
    assert published
    assert published - accepted > sent.UNKNOWN_TASK_PAUSE - timedelta(seconds=1)

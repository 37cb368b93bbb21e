"""Accepting: part of the caller's transaction, once per key, refused where it could never run."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from app.db.sessions import reading, transaction
from app.jobs.accept import Accepted, accept
from app.jobs.errors import ArgumentsNotJson, ArgumentsTooLarge, UnknownQueue, UnknownTask
from app.jobs.factory import MAX_ARGUMENTS, new_id, new_job
from app.jobs.ledger.models import Job, State
from app.topology import Priority, drained_queues
from tests.jobs.broker import waiting
from tests.jobs.running import all_jobs, job_of
from tests.sample import tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from tests.servers import PostgresServer, RedisServer

pytestmark = pytest.mark.usefixtures("database")


def accept_now(*jobs: Any) -> list[Accepted]:
    with transaction() as session:
        return accept(session, jobs)


def roll_back(action: Callable[[Session], object]) -> None:
    with transaction() as session:
        action(session)
        session.rollback()


def count() -> int:
    with reading() as session:
        return session.scalars(select(func.count()).select_from(Job)).one()


def test_a_job_is_not_there_for_others_before_the_callers_commit(redis_server: RedisServer) -> None:
    with transaction():
        tasks.add.delay(1, 2)
        assert count() == 0
        assert waiting(redis_server) == []
    assert count() == 1
    assert waiting(redis_server) == [all_jobs()[0].id]


def test_a_rollback_leaves_nothing_and_sends_nothing(redis_server: RedisServer) -> None:
    roll_back(lambda session: tasks.add.delay(1, 2))
    assert (count(), waiting(redis_server)) == (0, [])
    tasks.add.delay(3, 4)
    assert waiting(redis_server) == [all_jobs()[0].id]


def test_the_rollback_of_a_savepoint_drops_just_its_jobs(redis_server: RedisServer) -> None:
    with transaction() as session:
        kept = [tasks.add.delay(1, 1).id]
        with session.begin_nested():
            kept.append(tasks.add.delay(2, 2).id)
            undone = session.begin_nested()
            tasks.add.delay(3, 3)
            undone.rollback()
        undone = session.begin_nested()
        with session.begin_nested():
            tasks.add.delay(4, 4)
        undone.rollback()
        assert waiting(redis_server) == []
        kept.append(tasks.add.delay(5, 5).id)
    assert waiting(redis_server) == kept
    assert {job.id for job in all_jobs()} == set(kept)


def test_what_a_job_says_is_what_was_asked_for() -> None:
    [answer] = accept_now(
        new_job("sample.add", args=[1], kwargs={"y": 2}, key="k", digest="d", context={"request_id": "r"})
    )
    job = job_of(answer.id)
    assert (job.task, job.args, job.kwargs) == ("sample.add", [1], {"y": 2})
    assert (job.key, job.digest, job.context) == ("k", "d", {"request_id": "r"})
    assert (job.queue, job.priority, job.max_attempts) == ("default", Priority.NORMAL, 3)


def test_the_same_key_is_accepted_once() -> None:
    first = accept_now(new_job("sample.add", key="k", digest="first"))
    again = accept_now(new_job("sample.add", key="k", digest="second"))
    assert first == [Accepted(id=first[0].id, created=True, digest="first")]
    assert again == [Accepted(id=first[0].id, created=False, digest="first")]


def test_the_same_key_twice_in_one_call_is_one_job() -> None:
    answers = accept_now(new_job("sample.add", key="k"), new_job("sample.add", key="k"))
    assert [answer.created for answer in answers] == [True, False]
    assert answers[0].id == answers[1].id
    assert count() == 1


def test_the_same_id_is_accepted_once() -> None:
    answers = [accept_now(new_job("sample.add", id="an id"))[0].created for _ in range(2)]
    assert answers == [True, False]


def test_the_answers_come_in_the_order_of_the_jobs() -> None:
    accept_now(*[new_job("sample.add", key=f"k{number}", digest=str(number)) for number in range(0, 20, 3)])
    answers = accept_now(
        *[new_job("sample.add", key=f"k{number}", digest=str(number)) for number in range(20)]
    )
    assert [answer.digest for answer in answers] == [str(number) for number in range(20)]
    assert [answer.created for answer in answers] == [number % 3 != 0 for number in range(20)]


@pytest.mark.parametrize("rounds", range(3))
def test_the_same_key_from_many_callers_at_once_is_one_job(rounds: int) -> None:
    barrier = threading.Barrier(4)
    answers: list[Accepted] = []

    def submit() -> None:
        barrier.wait()
        answers.extend(accept_now(new_job("sample.add", key="k")))

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.created for answer in answers) == [False, False, False, True]
    assert len({answer.id for answer in answers}) == 1
    assert count() == 1


def test_a_key_whose_first_caller_rolls_back_is_free_for_the_second() -> None:
    roll_back(lambda session: accept(session, [new_job("sample.add", key="k")]))
    assert accept_now(new_job("sample.add", key="k"))[0].created


def test_a_thousand_jobs_are_accepted_and_sent_at_once(redis_server: RedisServer) -> None:
    jobs = [new_job("sample.add", args=[number, 1]) for number in range(1000)]
    answers = accept_now(*jobs)
    assert [answer.id for answer in answers] == [job.id for job in jobs]
    assert waiting(redis_server) == [job.id for job in jobs]


def test_nothing_is_accepted_of_nothing() -> None:
    assert accept_now() == []


@pytest.mark.parametrize(
    "when",
    [{"delay_seconds": 30.0}, {"run_at": datetime.now(UTC) + timedelta(hours=5)}],
    ids=["delay", "moment"],
)
def test_a_job_for_later_is_a_row_and_no_message(when: dict[str, Any], redis_server: RedisServer) -> None:
    [answer] = accept_now(new_job("sample.add", **when))
    assert job_of(answer.id).state == State.SCHEDULED
    assert waiting(redis_server) == []


def test_arguments_may_be_large_but_not_too_large() -> None:
    accept_now(new_job("sample.record_effect", args=["x" * (MAX_ARGUMENTS - 10)]))
    with pytest.raises(ArgumentsTooLarge, match=r"at most 262144 are accepted. Store the data"):
        new_job("sample.record_effect", args=["x" * MAX_ARGUMENTS])
    with pytest.raises(ArgumentsTooLarge):
        tasks.record_effect.delay(name="x" * MAX_ARGUMENTS)
    assert count() == 1


def test_arguments_that_json_cannot_carry_are_refused() -> None:
    with pytest.raises(ArgumentsNotJson, match=r"sample.add are not JSON.*Pass plain values or ids"):
        new_job("sample.add", args=[object(), 1])


def test_a_queue_that_nobody_drains_is_refused() -> None:
    drained = ", ".join(sorted(drained_queues()))
    with pytest.raises(UnknownQueue, match=rf'"nowhere", which no pool drains.*{drained}'):
        new_job("sample.add", queue="nowhere")
    with pytest.raises(UnknownQueue):
        tasks.add.apply_async((1, 1), queue="nowhere")


def test_an_unknown_task_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownTask, match=r'Did you mean "sample\.add"'):
        new_job("sample.addd")
    assert count() == 0


@pytest.mark.databases("postgresql")
def test_a_job_is_accepted_though_the_database_was_restarted_since_the_last(
    postgres_server: PostgresServer, redis_server: RedisServer
) -> None:
    tasks.add.delay(1, 1)
    postgres_server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ~ '^test_'")
    job_id = str(tasks.add.delay(2, 2).id)
    assert job_of(job_id).args == [2, 2]
    assert waiting(redis_server)[-1] == job_id


def test_new_ids_are_uuids_that_grow_with_time() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    kinds = {(one.version, one.variant) for one in map(uuid.UUID, ids)}
    assert kinds == {(7, uuid.RFC_4122)}


#: Each child of a pool goes on from where its parent was.
FORKED = """
import os, sys
from app.jobs.factory import new_id
new_id()
for _ in range(4):
    if os.fork() == 0:
        sys.stdout.write("".join(f"{new_id()}\\n" for _ in range(1000)))
        sys.stdout.flush()
        os._exit(0)
    os.wait()
"""


def test_forked_processes_make_ids_of_their_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True)
    ids = done.stdout.split()
    # What is random in an id begins where its time ends.
    assert len(ids) == len({one[14:] for one in ids}) == 4_000

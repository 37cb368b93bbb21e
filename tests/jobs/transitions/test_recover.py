"""Recovery: what is due, unsent, lost, abandoned or expired is found, and nothing is done twice."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from app.db.clock import clock, now
from app.db.sessions import reading, transaction
from app.jobs.ledger import store
from app.jobs.ledger.models import Job, Outcome, State
from app.jobs.transitions import recover
from app.settings.config import settings
from tests.jobs.broker import waiting
from tests.jobs.running import all_jobs, attempts_of, job_of
from tests.sample import tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import RedisServer

pytestmark = pytest.mark.usefixtures("database")
NORMAL = "groundwork:default\x06\x166"


def accept(number: int, **options: Any) -> list[str]:
    with transaction():
        return [str(tasks.add.apply_async((1, 1), **options).id) for _ in range(number)]


def set_rows(*ids: str, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id.in_(ids)).values(**values))


def let_time_pass(seconds: float) -> None:
    """Move what the ledger noted into the past, which is what waiting would do."""
    later = timedelta(seconds=seconds)
    with transaction() as session:
        for job in session.query(Job):
            job.accepted_at -= later
            job.published_at = job.published_at and job.published_at - later
            job.lease_until = job.lease_until and job.lease_until - later


def claim(job_id: str, *, attempt: int = 0, worker: str = "worker") -> store.Claim:
    [claimed] = store.claim(store.connection(), [store.Message(job_id, attempt)], worker=worker)
    return claimed


def republish_lost() -> int:
    return recover.republish_lost(recover.broker_lists() or [])


def publish_waiting() -> int:
    return recover.publish_waiting(recover.broker_lists() or [])


def twice_at_once(step: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(2)
    answers: list[Any] = []
    failures: list[Exception] = []

    def run() -> None:
        barrier.wait()
        try:
            answers.append(step())
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    return answers


def test_only_what_is_due_becomes_ready() -> None:
    due, later = accept(2, countdown=60), accept(1, countdown=3600)
    set_rows(*due, run_at=clock(-1))
    assert recover.promote_due() == 2
    assert {job_of(job_id).state for job_id in due} == {State.READY}
    assert job_of(later[0]).state == State.SCHEDULED


def test_a_row_that_waits_for_the_chain_before_it_is_never_due() -> None:
    [job_id] = accept(1, countdown=60)
    set_rows(job_id, run_at=None)
    assert recover.promote_due() == 0


def test_more_than_a_batch_is_promoted_and_sent_in_one_go(redis_server: RedisServer) -> None:
    ids = accept(recover.BATCH + 5, countdown=60)
    with transaction() as session:
        session.execute(update(Job).values(run_at=clock(-1)))
    assert recover.promote_due() == len(ids)
    assert publish_waiting() == len(ids)
    assert sorted(waiting(redis_server)) == sorted(ids)


def test_promoting_and_sending_twice_at_once_sends_each_job_once(redis_server: RedisServer) -> None:
    ids = accept(300, countdown=60)
    set_rows(*ids, run_at=clock(-1))
    assert sum(twice_at_once(recover.promote_due)) == len(ids)
    assert sum(twice_at_once(publish_waiting)) == len(ids)
    assert Counter(waiting(redis_server)) == Counter(ids)


@pytest.mark.redis_only(reason="it takes messages out of Redis")
def test_jobs_of_every_queue_and_priority_are_sent(redis_server: RedisServer) -> None:
    ids = [
        accept(1, queue=queue, priority=priority)[0]
        for queue in ("default", "analytics")
        for priority in range(10)
    ]
    redis_server.client().flushall()
    set_rows(*ids, published_at=None)
    assert publish_waiting() == len(ids)
    assert sorted(waiting(redis_server)) == sorted(ids)


@pytest.mark.redis_only(reason="it takes messages out of Redis")
def test_a_wiped_list_is_sent_again_after_a_while_and_once(redis_server: RedisServer) -> None:
    ids = accept(30)
    redis_server.client().flushall()
    assert republish_lost() == 0
    let_time_pass(settings().lost_after_seconds + 1)
    assert republish_lost() == 30
    assert republish_lost() == 0
    assert sorted(waiting(redis_server)) == sorted(ids)


def test_a_long_queue_that_nobody_drains_is_not_sent_again(redis_server: RedisServer) -> None:
    ids = accept(50)
    let_time_pass(7 * 24 * 3600)
    age_messages(redis_server, 7 * 24 * 3600)
    accept(5)
    for _ in range(3):
        assert republish_lost() == 0
    assert waiting(redis_server)[:50] == ids


def age_messages(redis_server: RedisServer, seconds: float) -> None:
    """Make what waits in Redis as old as the ledger now says it is."""
    client: Any = redis_server.client()
    for index, raw in enumerate(client.lrange(NORMAL, 0, -1)):
        found = json.loads(raw)
        found["headers"]["published"] -= seconds
        client.lset(NORMAL, index, json.dumps(found))


@pytest.mark.redis_only(reason="it takes messages out of Redis")
def test_a_message_lost_in_the_middle_of_a_queue_is_found_when_the_tail_has_passed_it(
    redis_server: RedisServer,
) -> None:
    client: Any = redis_server.client()
    first, lost, last = accept(1)[0], accept(1)[0], accept(1)[0]
    patience = settings().lost_after_seconds + 1
    client.lrem(NORMAL, 1, client.lindex(NORMAL, 1))
    assert waiting(redis_server) == [first, last]
    let_time_pass(2 * patience)
    age_messages(redis_server, 2 * patience)
    assert republish_lost() == 0
    client.rpop(NORMAL)
    claim(first)
    assert republish_lost() == 0  # the tail is no younger than the lost one by what a message is given
    accept(1)
    client.rpop(NORMAL)
    claim(last)
    assert republish_lost() == 1
    assert lost in waiting(redis_server)


@pytest.mark.redis_only(reason="it takes messages out of Redis")
def test_lost_messages_are_sent_again_once_by_two_beats_at_once(redis_server: RedisServer) -> None:
    ids = accept(200)
    redis_server.client().flushall()
    let_time_pass(settings().lost_after_seconds + 1)
    assert sum(twice_at_once(republish_lost)) == len(ids)
    assert Counter(waiting(redis_server)) == Counter(ids)


def test_a_queue_of_messages_without_our_time_is_left_alone(redis_server: RedisServer) -> None:
    accept(1)
    redis_server.client().flushall()
    redis_server.client().lpush(NORMAL, '{"headers": {}}')
    let_time_pass(3600)
    assert republish_lost() == 0


def test_an_ended_lease_sends_the_job_out_again() -> None:
    [job_id] = accept(1)
    claim(job_id)
    assert recover.end_leases() == 0
    set_rows(job_id, lease_until=clock(-1), published_at=None)
    assert recover.end_leases() == 1
    job = job_of(job_id)
    assert (job.state, job.attempt, job.lease_until) == (State.READY, 1, None)
    assert job.published_at
    [ended] = attempts_of(job_id)
    assert (ended.outcome, ended.worker, ended.fence) == (Outcome.LOST, "worker", 1)
    assert "worker sent no heartbeat" in str(ended.error)


def test_one_that_ends_once_more_has_the_job_wait() -> None:
    [job_id] = accept(1)
    set_rows(job_id, attempt=1)
    claim(job_id, attempt=1)
    set_rows(job_id, lease_until=clock(-1))
    assert recover.end_leases() == 1
    job = job_of(job_id)
    assert (job.state, job.attempt, job.lease_until) == (State.SCHEDULED, 2, None)
    with reading() as session:
        assert job.run_at
        assert job.run_at > now(session) + timedelta(seconds=1)


def test_a_lease_that_ended_too_often_kills_the_job() -> None:
    [job_id] = accept(1)
    set_rows(job_id, attempt=2)
    claim(job_id, attempt=2)
    set_rows(job_id, lease_until=clock(-1))
    recover.end_leases()
    job = job_of(job_id)
    assert (job.state, job.attempt) == (State.DEAD, 3)
    assert job.finished_at
    assert str(job.error).startswith("LeaseEnded: worker sent no heartbeat")


def test_a_lease_is_ended_once_by_two_beats_at_once() -> None:
    ids = accept(20)
    for job_id in ids:
        claim(job_id)
    set_rows(*ids, lease_until=clock(-1))
    twice_at_once(recover.end_leases)
    assert {len(attempts_of(job_id)) for job_id in ids} == {1}
    assert {job.state for job in all_jobs()} == {State.READY}


def test_a_lease_that_its_worker_renews_meanwhile_is_left_alone() -> None:
    [job_id] = accept(1)
    claim(job_id)
    set_rows(job_id, lease_until=clock(-1))
    assert store.extend(store.connection(), ids=[job_id], worker="worker") == {job_id}
    recover.end_leases()
    assert job_of(job_id).state == State.RUNNING


def test_a_job_that_nobody_began_before_it_expired_is_cancelled() -> None:
    ready, scheduled = accept(1, expires=60)[0], accept(1, expires=60, countdown=3600)[0]
    [running], [wanted] = accept(1, expires=60), accept(1, expires=600)
    claim(running)
    set_rows(ready, scheduled, running, expires_at=clock(-1))
    assert sum(twice_at_once(recover.end_expired)) == 2
    assert [job_of(job_id).state for job_id in (ready, scheduled, running, wanted)] == [
        State.CANCELLED,
        State.CANCELLED,
        State.RUNNING,
        State.READY,
    ]
    assert job_of(ready).error == "expired"


SENSELESS: list[dict[str, Any]] = [
    {"chain": [1]},
    {"chain": "x"},
    {"chain": [{"task": "sample.add", "options": [1]}]},
    {"chord": {"task": 5}},
    {"errbacks": [7]},
]


@pytest.mark.parametrize("options", SENSELESS, ids=str)
def test_a_row_that_leads_to_nothing_sensible_ends_all_the_same(options: dict[str, Any]) -> None:
    lost, expired = accept(1)[0], accept(1, countdown=60)[0]
    claim(lost)
    set_rows(lost, lease_until=clock(-1), max_attempts=1, options=options, group_id="a group")
    set_rows(expired, expires_at=clock(-1), options=options, group_id="a group")
    assert recover.end_leases() == 1
    assert recover.end_expired() == 1
    assert (job_of(lost).state, job_of(expired).state) == (State.DEAD, State.CANCELLED)

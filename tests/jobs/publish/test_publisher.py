"""Publishing: quick or not at all, for the ledger holds the job either way."""

from __future__ import annotations

import multiprocessing
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from app.db.sessions import transaction
from app.jobs.ledger.models import State
from app.jobs.publish import publisher
from app.jobs.publish.message import Dispatch
from app.jobs.transitions import recover
from app.settings.config import settings
from app.topology import Priority
from tests.jobs.broker import messages, waiting
from tests.jobs.running import all_jobs, job_of
from tests.sample import tasks
from tests.servers import RedisServer, stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("database")
LIMIT = 100


@pytest.fixture
def own_redis(configure: Callable[..., None]) -> Iterator[RedisServer]:
    """A Redis that the test may freeze or end."""
    server = RedisServer()
    server.start()
    configure(redis_url=server.url)
    yield server
    assert server.process
    server.process.send_signal(signal.SIGCONT)
    server.close()


def freeze(server: RedisServer) -> None:
    assert server.process
    server.process.send_signal(signal.SIGSTOP)


def resume(server: RedisServer) -> None:
    assert server.process
    server.process.send_signal(signal.SIGCONT)
    wait_until(server.client().ping, seconds=5, what="Redis answers")


def seconds_of_delay() -> float:
    began = time.monotonic()
    tasks.add.delay(1, 1)
    return time.monotonic() - began


def publish_waiting() -> int:
    return recover.publish_waiting(recover.broker_lists() or [])


@pytest.mark.redis_only(reason="it freezes, ends or drains Redis")
def test_a_frozen_redis_holds_up_one_caller_shortly_and_the_next_not_at_all(own_redis: RedisServer) -> None:
    seconds_of_delay()
    freeze(own_redis)
    bound = 2 * settings().publish_timeout_ms / 1000
    assert seconds_of_delay() < stretched(bound + 0.3)
    assert max(seconds_of_delay() for _ in range(5)) < stretched(0.1)
    assert [job.published_at is None for job in all_jobs()] == [False] + [True] * 6
    assert {job.state for job in all_jobs()} == {State.READY}


@pytest.mark.redis_only(reason="it freezes, ends or drains Redis")
def test_what_a_frozen_redis_did_not_take_is_sent_when_it_is_back(own_redis: RedisServer) -> None:
    freeze(own_redis)
    job_id = str(tasks.add.delay(1, 1).id)
    assert recover.broker_lists() is None
    resume(own_redis)
    assert publish_waiting() == 1
    assert job_of(job_id).published_at
    # What was sent to the frozen one arrives as well, once it is read: a claim refuses the second.
    assert set(waiting(own_redis)) == {job_id}


@pytest.mark.redis_only(reason="it freezes, ends or drains Redis")
def test_an_outage_is_logged_when_it_begins_and_when_it_ends(own_redis: RedisServer) -> None:
    with structlog.testing.capture_logs() as logs:
        freeze(own_redis)
        for _ in range(3):
            assert publisher.publish([dispatch(1)], patient=True) == ["1"]
            assert recover.broker_lists() is None
        resume(own_redis)
        for _ in range(3):
            assert publisher.publish([dispatch(1)], patient=True) == []
            assert recover.broker_lists()
    assert [line["event"] for line in logs] == [
        "publish_failed", "broker_away", "publish_works_again", "broker_back",
    ]  # fmt: skip


@pytest.mark.redis_only(reason="it freezes, ends or drains Redis")
def test_a_redis_that_is_gone_costs_no_job_either(own_redis: RedisServer) -> None:
    own_redis.kill()
    job_id = str(tasks.add.delay(1, 1).id)
    assert job_of(job_id).published_at is None
    own_redis.start()
    assert publish_waiting() == 1
    assert waiting(own_redis) == [job_id]


def accept(number: int) -> list[str]:
    with transaction():
        return [str(tasks.add.delay(1, 1).id) for _ in range(number)]


def unpublished() -> list[str]:
    return [job.id for job in all_jobs() if job.published_at is None]


def test_a_full_queue_keeps_the_rest_in_the_ledger(
    configure: Callable[..., None], redis_server: RedisServer
) -> None:
    configure(queue_depth_limit=LIMIT)
    batch = accept(3 * LIMIT)
    assert len(waiting(redis_server)) == LIMIT
    assert set(unpublished()) == set(batch[LIMIT:])
    unsent = [str(tasks.add.delay(1, 1).id) for _ in range(5)]
    other = str(tasks.add.apply_async((1, 1), queue="discounts").id)
    assert set(unpublished()) == {*batch[LIMIT:], *unsent}
    assert other in waiting(redis_server)


@pytest.mark.redis_only(reason="it freezes, ends or drains Redis")
def test_the_rest_follows_as_the_queue_drains(
    configure: Callable[..., None], redis_server: RedisServer
) -> None:
    configure(queue_depth_limit=LIMIT)
    accept(LIMIT + 5)
    assert publish_waiting() == 0
    client = redis_server.client()
    client.rpop("groundwork:default\x06\x166", 4)
    assert publish_waiting() == 4
    assert len(waiting(redis_server)) == LIMIT
    client.rpop("groundwork:default\x06\x166", 50)
    assert publish_waiting() == 1
    assert unpublished() == []


def test_single_jobs_stop_at_the_limit_too(configure: Callable[..., None], redis_server: RedisServer) -> None:
    configure(queue_depth_limit=LIMIT)
    for _ in range(LIMIT + 5):
        tasks.add.delay(1, 1)
    assert len(waiting(redis_server)) == LIMIT
    assert len(unpublished()) == 5


def dispatch(number: int) -> Dispatch:
    return Dispatch(
        id=str(number), task="sample.add", queue="default", priority=6, args="[1, 1]", kwargs="{}",
        options=None, context=None, group_id=None, attempt=0, expires=None, published=0.0,
    )  # fmt: skip


def push_batches(batches: int, size: int) -> int:
    """What a process of many pushes; how much of it was not taken."""
    publisher.close()
    return sum(len(publisher.publish([dispatch(n) for n in range(size)])) for _ in range(batches))


@pytest.mark.redis_only(reason="it looks into Redis")
@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(("limit", "size"), [(10_000, 1000), (1000, 1000), (1000, 1), (100, 7)])
def test_all_processes_together_keep_to_the_limit(
    limit: int, size: int, configure: Callable[..., None], redis_server: RedisServer
) -> None:
    processes, batches = 6, 4 * limit // size // 6 + 1
    configure(queue_depth_limit=limit)
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        unsent = sum(pool.starmap(push_batches, [(batches, size)] * processes, chunksize=1))
    held = redis_server.client().llen("groundwork:default\x06\x166")
    assert held == processes * batches * size - unsent
    assert limit <= held <= limit * 1.1


@pytest.mark.parametrize("priority", Priority)
def test_a_message_waits_in_the_list_of_its_priority(priority: Priority, redis_server: RedisServer) -> None:
    job_id = str(tasks.add.apply_async((1, 1), priority=priority).id)
    suffix = "" if priority == Priority.URGENT else f"\x06\x16{priority.value}"
    [(name, [found])] = messages(redis_server).items()
    assert name == f"groundwork:default{suffix}"
    assert (found["headers"]["id"], found["properties"]["priority"]) == (job_id, priority)


@pytest.mark.redis_only(reason="it looks into Redis")
def test_everything_of_one_commit_is_one_command_for_each_list(redis_server: RedisServer) -> None:
    before = pushes(redis_server)
    with transaction():
        for queue in ("default", "discounts"):
            for _ in range(20):
                tasks.add.apply_async((1, 1), queue=queue)
    assert len(waiting(redis_server)) == 40
    assert pushes(redis_server) - before == 2


def pushes(server: RedisServer) -> int:
    stats: Any = server.client().info("commandstats")
    return int(stats.get("cmdstat_lpush", {}).get("calls", 0))

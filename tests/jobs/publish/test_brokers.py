"""The port: what is asked of the broker is answered alike, whichever it is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from app.jobs.broker.current import broker
from app.jobs.broker.lists import all_lists, list_of
from app.jobs.publish import publisher
from app.jobs.quarantine import quarantine
from app.jobs.transitions import recover
from app.topology import Priority
from tests.jobs.broker import waiting
from tests.jobs.running import all_jobs
from tests.jobs.transitions.test_recover import let_time_pass
from tests.sample import tasks
from tests.servers import RedisServer, free_port

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite"),
    pytest.mark.brokers("redis", "rabbitmq"),
]
LIST, OTHER = list_of(queue="default", priority=Priority.NORMAL), "audit"


def test_what_is_sent_is_held_in_its_list_alone() -> None:
    assert broker().push(LIST, b"one") == 1
    assert broker().push_many([(LIST, [b"two", b"three"]), (OTHER, [b"four"])]) == [3, 1]
    held = dict(zip(all_lists(), broker().lengths(all_lists()), strict=True))
    assert {name: length for name, length in held.items() if length} == {LIST: 3, OTHER: 1}
    assert [found.length for found in broker().look([LIST, OTHER])] == [3, 1]


def test_many_threads_ask_and_send_at_once() -> None:
    broker().lengths([LIST])
    threads = [threading.Thread(target=broker().push, args=(LIST, b"x")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broker().lengths([LIST]) == [20]


def test_what_is_put_aside_is_shown_with_the_newest_first_and_stays_until_it_is_cleared() -> None:
    for number in range(3):
        quarantine.add(f"garbage {number}".encode(), queue="default", problem="It is not JSON.")
    for _ in range(2):
        assert [entry["head"] for entry in quarantine.entries(limit=2)] == ["garbage 2", "garbage 1"]
    assert broker().quarantined().kept == 3
    middle = quarantine.entries()[1]["id"]
    assert [quarantine.forget(each) for each in (middle, middle, "")] == [True, False, False]
    assert [entry["head"] for entry in quarantine.entries()] == ["garbage 2", "garbage 0"]
    assert (broker().clear_quarantine(), broker().quarantined().kept) == (2, 0)


def test_a_list_takes_no_more_than_its_limit_and_the_rest_waits_in_the_ledger(
    configure: Callable[..., None], redis_server: RedisServer
) -> None:
    configure(queue_depth_limit=100)
    ids = [str(tasks.add.delay(number, 1).id) for number in range(105)]
    assert sorted(waiting(redis_server)) == sorted(ids[:100])
    assert [job.id for job in all_jobs() if job.published_at is None] == ids[100:]


def test_recovery_sends_again_what_the_broker_lost_and_nothing_else(
    configure: Callable[..., None], redis_server: RedisServer, request: pytest.FixtureRequest
) -> None:
    configure(lost_after_seconds=1)
    ids = [str(tasks.add.delay(number, 1).id) for number in range(5)]
    _lose_everything(request)
    let_time_pass(60)
    assert recover.republish_lost(recover.broker_lists() or []) == 5
    assert sorted(waiting(redis_server)) == sorted(ids)
    assert recover.republish_lost(recover.broker_lists() or []) == 0


def test_recovery_finds_what_was_lost_before_the_oldest_that_is_held(
    configure: Callable[..., None], redis_server: RedisServer, request: pytest.FixtureRequest
) -> None:
    configure(lost_after_seconds=1)
    lost = [str(tasks.add.delay(number, 1).id) for number in range(3)]
    _lose_everything(request)
    let_time_pass(60)
    held = [str(tasks.add.delay(number, 1).id) for number in range(2)]
    assert recover.republish_lost(recover.broker_lists() or []) == 3
    assert sorted(waiting(redis_server)) == sorted([*lost, *held])


@pytest.mark.brokers("rabbitmq")
def test_what_rabbitmq_holds_for_long_is_not_taken_for_lost() -> None:
    for number in range(5):
        tasks.add.delay(number, 1)
    let_time_pass(3600)
    assert recover.republish_lost(recover.broker_lists() or []) == 0


def test_a_broker_that_is_away_is_said_to_be_and_nothing_is_lost(
    configure: Callable[..., None], broker_url: str
) -> None:
    port = free_port()
    away = f"amqp://127.0.0.1:{port}/v" if broker_url else ""
    configure(redis_url=f"redis://127.0.0.1:{port}/0", broker_url=away)
    job_id = str(tasks.add.delay(1, 1).id)
    assert [(job.id, job.published_at) for job in all_jobs()] == [(job_id, None)]
    assert recover.broker_lists() is None
    with pytest.raises(broker().failures):
        broker().ping()
    publisher.close()


def _lose_everything(request: pytest.FixtureRequest) -> None:
    if broker().kind == "redis":
        request.getfixturevalue("redis_server").client().flushall()
    else:
        request.getfixturevalue("rabbit_server").clear()

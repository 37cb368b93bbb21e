"""A non-durable task is sent as quickly as a durable one, or refused in a sentence: nobody else keeps it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from celery import group
from kombu.exceptions import OperationalError

from app.errors import Unavailable
from app.jobs.celery.non_durable import NotSent
from app.settings.config import settings
from tests.jobs.publish.test_publisher import freeze, own_redis
from tests.sample import tasks
from tests.servers import stretched

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import RedisServer

__all__ = ["own_redis"]
pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite"),
]
SENDING: dict[str, Callable[[], Any]] = {
    "delay": lambda: tasks.touch.delay("/tmp/x"),
    "apply_async": lambda: tasks.touch.apply_async(("/tmp/x",), retry=True),
    "group": lambda: group(tasks.touch.si("/tmp/x")).delay(),
    "countdown": lambda: tasks.touch.apply_async(("/tmp/x",), countdown=5),
}


def held(server: RedisServer) -> int:
    client: Any = server.client()
    return int(client.llen("groundwork:default\x06\x166"))


@pytest.mark.parametrize("send", SENDING.values(), ids=SENDING)
def test_a_frozen_redis_holds_nobody_up_for_long(send: Callable[[], Any], own_redis: RedisServer) -> None:
    send()
    freeze(own_redis)
    began = time.monotonic()
    with pytest.raises(
        NotSent, match=r'^The non-durable task "sample.touch" was not sent.*Redis redis://.* declare'
    ):
        send()
    assert time.monotonic() - began < stretched(4 * settings().publish_timeout_ms / 1000 + 0.5)
    with pytest.raises(NotSent, match="took nothing a moment ago"):
        send()


def test_a_refusal_is_an_error_as_celery_and_the_api_know_it(own_redis: RedisServer) -> None:
    own_redis.kill()
    with pytest.raises(OperationalError) as refused:
        tasks.touch.delay("/tmp/x")
    assert isinstance(refused.value, Unavailable)


def test_a_redis_that_came_back_while_nobody_looked_costs_no_task(own_redis: RedisServer) -> None:
    tasks.touch.delay("/tmp/x")
    own_redis.kill()
    own_redis.start()
    # What the first second after a write leaves in the file is not what this is about.
    own_redis.client().flushall()
    tasks.touch.delay("/tmp/x")
    assert held(own_redis) == 1


def test_a_full_redis_is_told_of_in_a_sentence(own_redis: RedisServer) -> None:
    own_redis.client().config_set("maxmemory", 1)
    with pytest.raises(NotSent, match=r"command not allowed when used memory > 'maxmemory'"):
        tasks.touch.delay("/tmp/x")

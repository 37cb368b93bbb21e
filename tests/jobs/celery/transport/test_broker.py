"""The broker's connection may be lost at any moment."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
import redis
from kombu import Connection, Consumer, Exchange, Queue

from app.jobs.celery.application import make_celery
from app.settings.config import settings
from app.settings.redis_url import address_of
from tests.jobs.broker import waiting
from tests.sample import tasks
from tests.servers import RedisServer, wait_until

if TYPE_CHECKING:
    from pathlib import Path


def test_giving_back_messages_on_a_closed_connection_is_a_connection_error(
    configure: object, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert configure
    monkeypatch.setenv("GROUNDWORK_REDIS_URL", redis_url)
    settings.cache_clear()
    connection = make_celery(settings()).connection_for_read()
    channel: Any = connection.default_channel
    connection.transport.client = None
    with pytest.raises(connection.connection_errors), channel.conn_or_acquire():
        pass


def taken(channel: Any) -> Any:
    """The next message of the queue."""
    found: list[Any] = []
    with Consumer(channel, [Queue("default", Exchange(""))], on_message=found.append, accept=["json"]):
        wait_until(lambda: _drained(channel, found), seconds=5, what="a message comes")
    return found[0]


def _drained(channel: Any, found: list[Any]) -> list[Any]:
    with contextlib.suppress(TimeoutError):
        channel.connection.client.drain_events(timeout=0.1)
    return found


@pytest.mark.usefixtures("database")
@pytest.mark.databases("sqlite")
def test_a_ledgers_message_is_given_back_without_a_copy_in_redis(redis_server: RedisServer) -> None:
    job_id, client = str(tasks.add.delay(1, 2).id), redis_server.client()
    connection = make_celery(settings()).connection_for_read()
    message = taken(connection.default_channel)
    assert message.headers["id"] == job_id
    assert (waiting(redis_server), client.exists("groundwork:unacked")) == ([], 0)
    message.reject(requeue=True)
    assert waiting(redis_server) == [job_id]
    taken(connection.default_channel)
    assert waiting(redis_server) == []
    connection.close()
    assert waiting(redis_server) == [job_id]


@pytest.mark.redis_only(reason="it is about kombu's transport for Redis")
@pytest.mark.usefixtures("database")
@pytest.mark.databases("sqlite")
def test_a_message_without_a_ledger_keeps_its_copy_until_it_is_done(redis_server: RedisServer) -> None:
    client = redis_server.client()
    connection = make_celery(settings()).connection_for_read()
    connection.Producer().publish([[], {}, {}], routing_key="default", headers={"task": "x.y", "id": "1"})
    message = taken(connection.default_channel)
    assert client.hlen("groundwork:unacked") == 1
    message.ack()
    assert client.hlen("groundwork:unacked") == 0
    connection.close()


@pytest.mark.redis_only(reason="it is about kombu's transport for Redis")
@pytest.mark.usefixtures("database")
@pytest.mark.databases("sqlite")
def test_lost_messages_are_looked_for_as_seldom_as_is_asked(redis_server: RedisServer) -> None:
    client = redis_server.client()
    connection = make_celery(settings()).connection_for_read()
    channel: Any = connection.default_channel

    def looks() -> bool:
        channel.qos.restore_visible(interval=3)
        return bool(client.delete("groundwork:unacked_mutex"))

    assert [looks() for _ in range(7)] == [True, False, False, True, False, False, True]
    connection.close()


def test_a_unix_socket_is_a_broker_like_any_other(configure: object, tmp_path: Path) -> None:
    assert configure
    path = tmp_path / "redis.sock"
    server = RedisServer(arguments=("--unixsocket", str(path)))
    server.start()
    try:
        connection = Connection(address_of(f"unix://{path}?db=3").for_kombu)
        connection.SimpleQueue("letters").put("hello")
        assert redis.Redis(port=server.port, db=3).llen("letters") == 1
    finally:
        server.close()

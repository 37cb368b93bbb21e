"""The broker's connection may be lost at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis
from kombu import Connection

from app.broker import kombu_url
from app.celery_app import make_celery
from app.config import settings
from tests.servers import RedisServer

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


def test_a_unix_socket_is_a_broker_like_any_other(configure: object, tmp_path: Path) -> None:
    assert configure
    path = tmp_path / "redis.sock"
    server = RedisServer(arguments=("--unixsocket", str(path)))
    server.start()
    try:
        connection = Connection(kombu_url(f"unix://{path}?db=3"))
        connection.SimpleQueue("letters").put("hello")
        assert redis.Redis(port=server.port, db=3).llen("letters") == 1
    finally:
        server.close()

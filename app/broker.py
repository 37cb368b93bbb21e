"""kombu's Redis transport, able to lose its connection at any moment."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from redis.exceptions import ConnectionError as RedisConnectionError


class Channel(kombu_redis.Channel):
    """A channel that says so when its connection is gone.

    kombu 5.7 gives the unacknowledged messages back while it closes a lost connection, and fails with
    an AttributeError on the connection that is not there any more. A connection error is what Celery
    expects at that place: it reconnects, where anything else ends the worker.
    """

    connection: Any

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("The connection to Redis is closed.")
        kombu: Any = super()
        params: dict[str, Any] = kombu._connparams(asynchronous=asynchronous)
        return params


class Transport(kombu_redis.Transport):
    """What kombu takes for redis:// and rediss:// once this module is imported."""

    Channel = Channel


TRANSPORT_ALIASES.update(redis="app.broker:Transport", rediss="app.broker:Transport")


def kombu_url(redis_url: str) -> str:
    """A Redis URL as kombu spells it; only that of a Unix socket differs."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = dict(parse_qsl(parts.query)).get("db", "0")
    credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{credentials}{parts.path}?virtual_host={database}"

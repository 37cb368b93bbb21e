"""Redis as the broker: a list for each queue and step, pushed on the left and taken from the right."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.driver_info import DriverInfo
from redis.retry import Retry

from app.jobs.broker.port import KEPT, Held, Quarantined
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: What a connection says that it is. Else redis-py looks its version up in its metadata for each of them.
DRIVER = DriverInfo(lib_version=redis.__version__)
#: Messages looked at where a queue's oldest should be; some may carry no time of ours.
TAIL = 10
#: So many are read at once where all are looked at.
PART = 100


def client() -> redis.Redis:
    """A client whose every call ends within the publish timeout. A forked child gets its own."""
    return _client_of(os.getpid())


@lru_cache(maxsize=1)
def _client_of(_pid: int) -> redis.Redis:
    timeout = settings().publish_timeout_ms / 1000
    return redis.Redis.from_url(
        settings().redis.for_redis_py,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 1),
        command_packer=PACKER,
        driver_info=DRIVER,
    )


class OnePiece:
    """Writes a command as one piece, where redis-py writes each few kilobytes of a long one by themselves."""

    def pack(self, *args: Any) -> list[bytes]:
        """The command as Redis reads it; its name may be two words."""
        words = [*str(args[0]).encode().split(), *map(_encoded, args[1:])]
        pieces = [b"*%d\r\n" % len(words)]
        for word in words:
            pieces += (b"$%d\r\n" % len(word), word, b"\r\n")
        return [b"".join(pieces)]


def _encoded(word: Any) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()


PACKER = OnePiece()


class _Local(threading.local):
    """A thread's own connection for messages that go one by one, and the client that it was made by."""

    client: redis.Redis | None = None
    connection: Any = None


_LOCAL = _Local()


def _push(command: bytes) -> int:
    """What Redis says to a command. A client takes twice as long around one as Redis does for it."""
    try:
        return _asked(command)
    except (redis.ConnectionError, redis.TimeoutError):
        # As the client would: the server may have been restarted since the last message of this thread.
        return _asked(command)


def _asked(command: bytes) -> int:
    if _LOCAL.client is not client():
        _LOCAL.client, _LOCAL.connection = client(), client().connection_pool.make_connection()
    connection = _LOCAL.connection
    try:
        connection.send_packed_command([command])
        return int(connection.read_response())
    except redis.ResponseError:
        raise
    except BaseException:
        connection.disconnect()  # an answer that comes late would be taken for the next one's
        raise


class RedisBroker:
    """What is asked of the broker, of Redis."""

    failures: tuple[type[Exception], ...] = (redis.RedisError, OSError)
    kind = "redis"

    @property
    def place(self) -> str:
        """Its name and its URL, fit to be shown."""
        return f"Redis {settings().redis.shown}"

    def push(self, name: str, message: bytes) -> int:
        """Send one message."""
        return _push(b"".join(PACKER.pack("LPUSH", settings().redis_prefix + name, message)))

    def push_many(self, portions: Sequence[tuple[str, Sequence[bytes]]]) -> list[int | Exception]:
        """Send messages to several lists, each of which may refuse its own."""
        pipeline = client().pipeline(transaction=False)
        for name, messages in portions:
            pipeline.lpush(settings().redis_prefix + name, *messages)
        answers: list[int | Exception] = pipeline.execute(raise_on_error=False)
        return answers

    def lengths(self, names: Sequence[str]) -> list[int]:
        """How many messages the lists hold."""
        pipeline = client().pipeline(transaction=False)
        for name in names:
            pipeline.llen(settings().redis_prefix + name)
        lengths: list[int] = pipeline.execute()
        return lengths

    def look(self, names: Sequence[str]) -> list[Held]:
        """What the lists hold, with a few of the messages that are taken next."""
        pipeline = client().pipeline(transaction=False)
        for name in names:
            pipeline.llen(settings().redis_prefix + name)
            pipeline.lrange(settings().redis_prefix + name, -TAIL, -1)
        answers = pipeline.execute()
        return [Held(length, tail) for length, tail in zip(answers[::2], answers[1::2], strict=True)]

    def messages(self, name: str) -> Iterator[bytes]:
        """The messages of a list, from its new end: what is pushed and taken meanwhile hides none of them."""
        start, key = 0, settings().redis_prefix + name
        while part := self._part(key, start):
            yield from part
            start += PART

    def _part(self, key: str, start: int) -> list[bytes]:
        found: Any = client().lrange(key, start, start + PART - 1)
        return list(found)

    def ping(self) -> None:
        """Ask it for any answer."""
        client().ping()

    def add_to_quarantine(self, entry: str) -> None:
        """Quarantine an entry, and let go the oldest of too many."""
        pipeline = client().pipeline()
        pipeline.lpush(_kept(), entry)
        pipeline.ltrim(_kept(), 0, KEPT - 1)
        pipeline.incr(_total())
        pipeline.execute()

    def quarantine_entries(self, *, limit: int) -> list[bytes]:
        """What is in quarantine, the newest first."""
        found: Any = client().lrange(_kept(), 0, limit - 1)
        return list(found)

    def forget_quarantined(self, entry: bytes) -> bool:
        """Forget one entry of the quarantine; whether it was there."""
        return bool(client().lrem(_kept(), 1, entry.decode()))

    def quarantined(self) -> Quarantined:
        """How much was quarantined, since Redis was emptied last."""
        pipeline = client().pipeline(transaction=False)
        pipeline.llen(_kept())
        pipeline.get(_total())
        kept, total = pipeline.execute()
        return Quarantined(kept=kept, total=int(total or 0))

    def clear_quarantine(self) -> int:
        """Forget what is kept (the count goes on); how many that were."""
        pipeline = client().pipeline()
        pipeline.llen(_kept())
        pipeline.delete(_kept())
        return int(pipeline.execute()[0])

    def close(self) -> None:
        """Forget the client."""
        _client_of.cache_clear()


def _kept() -> str:
    return f"{settings().redis_prefix}quarantine"


def _total() -> str:
    return f"{settings().redis_prefix}quarantined"

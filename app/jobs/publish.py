"""Sends ready jobs to the broker: quickly, with a bounded wait, never needed for safety.

What cannot be sent now (Redis is away, or the queue is full) is marked unpublished in the ledger, and
beat sends it later.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from datetime import timedelta
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.config import settings
from app.jobs.message import encode_all, list_of
from app.redis_url import address_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.jobs.message import Dispatch

log = structlog.get_logger(__name__)

#: After a failure nothing is tried for so long: one slow answer must not become one per request.
PAUSE_AFTER_FAILURE = timedelta(seconds=2)
#: A full queue is not asked again for so long.
PAUSE_WHEN_FULL = timedelta(seconds=1)

_closed_until: dict[str, float] = {}
_EVERYTHING = "*"


def client() -> redis.Redis:
    """A client whose every call ends within the publish timeout. A forked child gets its own."""
    return _client_of(os.getpid())


@lru_cache(maxsize=1)
def _client_of(_pid: int) -> redis.Redis:
    timeout = settings().publish_timeout_ms / 1000
    return redis.Redis.from_url(
        address_of(settings().redis_url.get_secret_value()).for_redis_py,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 1),
        command_packer=OnePiece(),
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


def close() -> None:
    """Forget the client and what it learnt about the broker."""
    _client_of.cache_clear()
    _closed_until.clear()


def publish(jobs: Sequence[Dispatch], *, patient: bool = False) -> list[str]:
    """Send `jobs`; the answer holds the ids of those that were not sent.

    A `patient` caller (beat) tries even after a recent failure and does not learn from full queues:
    it has looked at their length before.
    """
    lists = _by_list(jobs)
    open_lists = {name: held for name, held in lists.items() if patient or _is_open(name)}
    unsent = [job.id for name, held in lists.items() if name not in open_lists for job in held]
    if not open_lists:
        return unsent
    try:
        _push(open_lists)
    except redis.RedisError as error:
        _closed_until[_EVERYTHING] = time.monotonic() + PAUSE_AFTER_FAILURE.total_seconds()
        log.warning("publish_failed", jobs=len(jobs), error=str(error))
        return [job.id for job in jobs]
    return unsent


def _by_list(jobs: Sequence[Dispatch]) -> dict[str, list[Dispatch]]:
    prefix = settings().redis_prefix
    lists: defaultdict[str, list[Dispatch]] = defaultdict(list)
    for (queue, priority), held in groupby(jobs, key=attrgetter("queue", "priority")):
        lists[prefix + list_of(queue=queue, priority=priority)] += held
    return lists


def _is_open(name: str) -> bool:
    now = time.monotonic()
    return max(_closed_until.get(name, 0), _closed_until.get(_EVERYTHING, 0)) <= now


def _push(lists: dict[str, list[Dispatch]]) -> None:
    pipeline = client().pipeline(transaction=False)
    for name, held in lists.items():
        pipeline.lpush(name, *encode_all(held))
    for name, length in zip(lists, pipeline.execute(), strict=True):
        if length > settings().queue_depth_limit:
            _closed_until[name] = time.monotonic() + PAUSE_WHEN_FULL.total_seconds()

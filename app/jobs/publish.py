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
from typing import TYPE_CHECKING

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.config import settings
from app.jobs.message import Dispatch, encode, list_of

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        settings().redis_url.get_secret_value(),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 1),
    )


def close() -> None:
    """Forget the client and what it learnt about the broker."""
    _client_of.cache_clear()
    _closed_until.clear()


def publish(jobs: Sequence[Dispatch], *, patient: bool = False) -> list[str]:
    """Send `jobs`; the answer holds the ids of those that were not sent.

    A `patient` caller (beat) tries even after a recent failure and does not learn from full queues:
    it has looked at their length before.
    """
    lists: defaultdict[str, list[Dispatch]] = defaultdict(list)
    for job in jobs:
        lists[settings().redis_prefix + list_of(queue=job.queue, priority=job.priority)].append(job)
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


def _is_open(name: str) -> bool:
    now = time.monotonic()
    return max(_closed_until.get(name, 0), _closed_until.get(_EVERYTHING, 0)) <= now


def _push(lists: dict[str, list[Dispatch]]) -> None:
    pipeline = client().pipeline(transaction=False)
    for name, held in lists.items():
        pipeline.lpush(name, *[encode(job) for job in held])
    for name, length in zip(lists, pipeline.execute(), strict=True):
        if length > settings().queue_depth_limit:
            _closed_until[name] = time.monotonic() + PAUSE_WHEN_FULL.total_seconds()

"""Sends the messages of non-durable tasks: quickly or not at all, and then the caller must know."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from kombu import pools
from kombu.exceptions import KombuError, OperationalError

from app.errors import Unavailable
from app.jobs.broker.current import broker
from app.jobs.publish.reachability import publishing
from app.logs.failures import first_line
from app.settings.config import settings
from app.settings.redis_url import RedisAddress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from app.settings.amqp_url import AmqpAddress

#: A connection that broke while nobody used it is made anew once.
RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}


class NotSent(Unavailable, OperationalError):
    """Raised when the broker does not take a non-durable task's message, which is lost then."""

    code = "not_sent"

    def __init__(self, *, task: str, problem: str) -> None:
        super().__init__(
            f'The non-durable task "{task}" was not sent, and will not be: {problem}. Send it again later, '
            "or declare it durable, so that the ledger sends it when the broker takes it."
        )


def failures() -> tuple[type[Exception], ...]:
    """What is raised by kombu or beneath it where the broker is away, or refuses."""
    return (KombuError, *broker().failures)


@contextmanager
def bounded(app: Celery, *, task: str) -> Iterator[dict[str, Any]]:
    """Options for sending `task` by a connection whose every wait is bounded. Raises `NotSent`."""
    if not publishing.is_open:
        raise NotSent(task=task, problem=f"{broker().place} took nothing a moment ago")
    try:
        with _producers_of(app, os.getpid()).acquire(block=True) as producer:
            yield {"producer": producer, "retry": True, "retry_policy": RETRY}
    except failures() as error:
        publishing.failed(error, task=task)
        problem = f"{broker().place} does not take it ({first_line(error)})"
        raise NotSent(task=task, problem=problem) from error
    publishing.answered()


@lru_cache(maxsize=1)
def _producers_of(app: Celery, _pid: int) -> Any:
    address, timeout = settings().broker, settings().publish_timeout_ms / 1000
    connection = app.connection_for_write(
        url=address.for_kombu,
        ssl=address.tls,
        transport_options=_bounds_of(address, timeout),
        connect_timeout=timeout,
    )
    return pools.producers[connection]


def _bounds_of(address: AmqpAddress | RedisAddress, timeout: float) -> dict[str, float]:
    if isinstance(address, RedisAddress):
        return {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    return {"read_timeout": timeout, "write_timeout": timeout}


def close() -> None:
    """Forget the connections."""
    _producers_of.cache_clear()

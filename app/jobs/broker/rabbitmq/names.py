"""What there is in RabbitMQ, under which names and with which arguments."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from app.jobs.broker.lists import PRIORITY_SEPARATOR, list_of
from app.jobs.broker.port import KEPT
from app.settings.config import settings
from app.topology import Priority

#: A message that comes back so often, because it ends whoever takes it, becomes a dead letter.
DELIVERY_LIMIT = 10


def exchange() -> str:
    """Where messages of lists are sent: to the queue that the routing key names, and to who waits for it."""
    return f"{settings().redis_prefix}work"


def queue_of(name: str) -> str:
    """The queue of a list: that of what is urgent has the plain name."""
    return _queue_of(settings().redis_prefix, name)


@lru_cache(maxsize=256)
def _queue_of(prefix: str, name: str) -> str:
    queue, _, step = name.partition(PRIORITY_SEPARATOR)
    return f"{prefix}{queue}.{Priority(int(step)).name.lower()}" if step else f"{prefix}{queue}"


def lists_of(queue: str) -> list[str]:
    """The lists of a queue, the most urgent first."""
    return [list_of(queue=queue, priority=step) for step in Priority]


def dead_letters() -> str:
    """The queue of what was delivered too often, or refused."""
    return f"{settings().redis_prefix}dead-letters"


def quarantine() -> str:
    """The queue whose messages are the entries in quarantine."""
    return f"{settings().redis_prefix}quarantine"


def list_arguments() -> dict[str, Any]:
    """A list's arguments. Queues that are there keep theirs: a change of these is a new name."""
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": dead_letters(),
    }


def dead_letter_arguments() -> dict[str, Any]:
    """Those of dead letters, which stay until they are in quarantine."""
    return {"x-queue-type": "quorum"}


def quarantine_arguments() -> dict[str, Any]:
    """The quarantine's: the oldest of too many go."""
    return {"x-max-length": KEPT}

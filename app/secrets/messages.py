"""Messages on the broker: they keep the seals with which they were sent, whatever the ledger holds since."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from app.jobs.errors import WrongKey
from app.jobs.ledger.seal import renewed_within
from app.jobs.publish import publisher
from app.jobs.publish.message import list_of
from app.settings.config import settings
from app.topology import Priority, Queue

if TYPE_CHECKING:
    from collections.abc import Iterator

PART = 100


def waiting_under_another_key() -> int:
    """How many messages on the queues hold something that is not sealed with the first key."""
    lists = [list_of(queue=queue, priority=priority) for queue in Queue for priority in Priority]
    return sum(_is_outdated(message) for name in lists for message in _messages(name))


def _messages(name: str) -> Iterator[bytes | str]:
    """The messages of a list, from its new end: what is pushed and taken meanwhile hides none of them."""
    start, client = 0, publisher.client()
    while part := client.lrange(f"{settings().redis_prefix}{name}", start, start + PART - 1):
        yield from part
        start += PART


def _is_outdated(message: bytes | str) -> bool:
    try:
        body = json.loads(base64.b64decode(json.loads(message)["body"]))
        return bool(renewed_within(body) != body)
    except WrongKey:
        return True
    except (ValueError, TypeError, LookupError, RecursionError):
        return False  # garbage is for the workers to find

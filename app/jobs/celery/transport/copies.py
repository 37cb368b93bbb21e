"""The copies in Redis of what was taken and is not acknowledged, written and deleted together.

They are kombu's own in form, so that any worker with kombu's transport gives them back.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kombu.utils.json import dumps

from app.jobs.celery.transport.redis_errors import tolerated

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What is acknowledged within this is deleted by one command.
TOGETHER = timedelta(milliseconds=2)


def tag_of(document: Any) -> str | None:
    """The name of a message's copy; None for one that is no message as kombu writes it."""
    properties = document.get("properties") if isinstance(document, dict) else None
    tag = properties.get("delivery_tag") if isinstance(properties, dict) else None
    return tag if isinstance(tag, str) and _route(document) else None


def _route(document: Any) -> tuple[str, str] | None:
    delivery = document["properties"].get("delivery_info")
    if not isinstance(delivery, dict):
        return None
    exchange, routing_key = delivery.get("exchange"), delivery.get("routing_key")
    return (exchange, routing_key) if isinstance(exchange, str) and isinstance(routing_key, str) else None


class Copies:
    """Those of one channel."""

    def __init__(self, qos: Any) -> None:
        self._qos = qos
        self._written: set[str] = set()
        self._to_delete: list[str] = []

    def write(self, documents: Sequence[Any]) -> None:
        """Write the copies of messages; each has a tag."""
        now = time.time()
        copies = {tag: dumps([each, *(_route(each) or ())]) for each in documents if (tag := tag_of(each))}
        with tolerated("copy_not_kept"), self._qos.channel.conn_or_acquire() as client:
            pipeline = client.pipeline()
            pipeline.zadd(self._qos.unacked_index_key, dict.fromkeys(copies, now))
            pipeline.hset(self._qos.unacked_key, mapping=copies)
            pipeline.execute()
            self._written.update(copies)

    def is_written(self, tag: str) -> bool:
        """Whether the copy of a message that is delivered now is there; asked once."""
        if tag not in self._written:
            return False
        self._written.discard(tag)
        return True

    def delete_soon(self, tag: str) -> None:
        """Delete a copy with those that are acknowledged about now."""
        self._to_delete.append(tag)
        if len(self._to_delete) == 1:
            self._qos.channel.lookahead.after(TOGETHER, self.delete)

    def delete(self, *tags: str) -> None:
        """Delete these copies, and what is to be deleted."""
        gone, self._to_delete = [*self._to_delete, *tags], []
        self._written.difference_update(tags)
        channel = self._qos.channel
        if not gone or channel is None or channel.closed:
            return
        with tolerated("copy_not_deleted"), channel.conn_or_acquire() as client:
            pipeline = client.pipeline()
            pipeline.zrem(self._qos.unacked_index_key, *gone)
            pipeline.hdel(self._qos.unacked_key, *gone)
            pipeline.execute()

"""What a worker has taken and not acknowledged, and the way back for it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from kombu.transport import redis as kombu_redis
from kombu.transport import virtual

from app.jobs.celery import compat
from app.jobs.celery.transport.copies import Copies
from app.jobs.celery.transport.redis_errors import tolerated
from app.jobs.publish.headers import LEDGER_HEADER

if TYPE_CHECKING:
    from collections.abc import Collection

#: One worker at a time looks for messages that died with another; this long it keeps the rest from it.
RESTORE_SECONDS = 5


class QoS(kombu_redis.QoS):
    """Keeps no second copy of a ledger's message in Redis while it is worked on: the ledger repeats it.

    Writing that copy and deleting it again are two of the three round trips kombu makes for a message.
    """

    channel: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.copies = Copies(self)

    def can_consume(self) -> bool:
        """Whether another message is to be asked for, or one that was asked for to be read."""
        ahead = self.channel.lookahead
        if ahead is None:
            return bool(super().can_consume())
        return compat.poll_began(self.channel) is not None or ahead.room() > 0

    def append(self, message: Any, delivery_tag: str) -> None:
        if self._kind(message) is kombu_redis.QoS and not self.copies.is_written(delivery_tag):
            with tolerated("copy_not_kept"):
                super().append(message, delivery_tag)
                return
        virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        is_kept = self._kind(compat.held(self).get(delivery_tag)) is kombu_redis.QoS
        if is_kept and self.channel.lookahead is not None:
            self.copies.delete_soon(delivery_tag)
        elif is_kept:
            with tolerated("copy_not_deleted"):
                super().ack(delivery_tag)
                return
        virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        message = compat.held(self).get(delivery_tag)
        if self._kind(message) is kombu_redis.QoS:
            with tolerated("copy_not_deleted"):
                super().reject(delivery_tag, requeue)
                return
        elif requeue:
            self._requeue([message], leftmost=True)
        virtual.QoS.ack(self, delivery_tag)

    def restore_unacked(self, client: Any = None) -> Any:
        held = compat.held(self)
        ledgered = {tag: one for tag, one in held.items() if self._kind(one) is virtual.QoS}
        self._requeue(ledgered.values(), client=client)
        for tag in ledgered:
            del held[tag]
        return super().restore_unacked(client)

    def restore_visible(self, start: int = 0, num: int = 10, interval: int = 10) -> None:
        """As kombu's, behind a lock that ends by itself: to release one takes a script."""
        if not compat.is_look_due(self, interval=interval):
            return
        with tolerated("unacked_not_looked_at"), self.channel.conn_or_acquire() as client:
            if not client.set(self.unacked_mutex_key, os.getpid(), nx=True, ex=RESTORE_SECONDS):
                return
            oldest = time.time() - self.visibility_timeout
            for tag in client.zrange(
                self.unacked_index_key, oldest, 0, desc=True, byscore=True, offset=num and start, num=num
            ):
                self.restore_by_tag(tag, client)

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        # Its copy stays where it is and comes back with the time.
        with tolerated("message_not_given_back"):
            super().restore_by_tag(tag, client, leftmost)

    @staticmethod
    def _kind(message: Any) -> Any:
        ledgered = message is not None and message.headers.get(LEDGER_HEADER)
        return virtual.QoS if ledgered else kombu_redis.QoS

    def _requeue(self, messages: Collection[Any], *, client: Any = None, leftmost: bool = False) -> None:
        if not messages:
            return
        with (
            tolerated("messages_not_given_back"),
            self.channel.conn_or_acquire(client) as connected,
        ):
            pipeline = connected.pipeline()
            for message in messages:
                compat.push_back(message, channel=self.channel, pipeline=pipeline, leftmost=leftmost)
            pipeline.execute()

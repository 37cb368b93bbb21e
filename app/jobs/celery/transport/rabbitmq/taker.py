"""Takes messages for a worker: the most urgent first, and no more than it has processes free.

Consumers would get messages of several quorum queues in turn, whatever their urgency, and hold what they
cannot run while a worker elsewhere has nothing to do.
"""

from __future__ import annotations

import base64
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import amqp

from app.jobs.broker.lists import list_of
from app.jobs.broker.rabbitmq import names
from app.jobs.broker.rabbitmq.session import FAILURES
from app.jobs.celery.pauses import known
from app.jobs.celery.transport.envelope import NotAMessage
from app.jobs.celery.transport.message import Message
from app.jobs.celery.transport.rabbitmq import wire
from app.jobs.celery.transport.rabbitmq.waiting_session import WaitingSession
from app.jobs.publish.headers import LEDGER_HEADER
from app.jobs.quarantine import quarantine
from app.topology import Priority

if TYPE_CHECKING:
    from collections.abc import Callable

#: What comes without ringing (given back by a worker that died, or sent by another program past the exchange)
#: is looked for as often.
TICK_SECONDS = 1.0
#: An answer that takes longer does not come.
TIMEOUT_SECONDS = 5.0
#: So many are taken until others have their turn.
AT_ONCE = 10
#: Celery's word for as many as there are.
NO_LIMIT = 0


class Taker:
    """The queues that a worker consumes, and what it has of theirs. It is the channel of its messages."""

    #: kombu looks here whether to acknowledge.
    no_ack_consumers: frozenset[str] = frozenset()

    def __init__(self, *, hub: Any) -> None:
        self.limit = NO_LIMIT
        self._hub = hub
        self._session = WaitingSession(timeout=TIMEOUT_SECONDS)
        #: By queue, in the order of the pool, which begins with what is more urgent.
        self._callbacks: dict[str, Callable[[Any], None]] = {}
        #: By list, the most urgent first: how many messages it held when it was looked at.
        self._found: dict[str, int] = {}
        #: What was taken and not let go, and whether the ledger has a row for it.
        self._held: dict[int, bool] = {}
        self._is_in_loop = hub is not None
        if self._is_in_loop:
            hub.add_reader(self.sock, self._hear)
            # What the loop is asked to call soon by what it calls soon, as it does acknowledgements, has to
            # wait for another event. So this is one.
            self._due = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            hub.add_reader(self._due, self._take_due)
            self._timer = hub.call_repeatedly(TICK_SECONDS, self._tick)

    @property
    def sock(self) -> Any:
        """What is readable when something comes."""
        return self._session.connection.sock

    @property
    def has_rung(self) -> bool:
        """Whether there may be something that was not looked for."""
        return self._session.has_rung

    def add(self, queue: str, callback: Callable[[Any], None]) -> None:
        """Consume a queue."""
        self._callbacks[queue] = callback
        self._session.listen(names.lists_of(queue))
        self._forget_found()

    def remove(self, queue: str) -> None:
        """Consume a queue no more; what was taken stays."""
        self._callbacks.pop(queue, None)
        self._forget_found()

    def _forget_found(self) -> None:
        self._found.clear()
        self._session.has_rung = True
        self.take_soon()

    def take_soon(self) -> None:
        """Take what there is once the event loop turns."""
        if self._is_in_loop:
            os.eventfd_write(self._due, 1)

    def _take_due(self) -> None:
        os.eventfd_read(self._due)
        self.take()

    def _tick(self) -> None:
        self.look_again()
        self.take()

    def look_again(self) -> None:
        """Take nothing that was found for granted, and tell RabbitMQ that this worker lives."""
        self._session.has_rung = True
        self._session.connection.heartbeat_tick()

    def _hear(self) -> None:
        self._session.hear()
        self.take()

    def take(self) -> int:
        """Hand over what there is, while there is room; how many that were."""
        taken = 0
        try:
            while taken < AT_ONCE and self._take_or_hear():
                taken += 1
        except amqp.ChannelError as error:
            # Celery connects anew after the one kind and not after the other.
            raise amqp.RecoverableConnectionError(str(error)) from error
        if self._has_room and (taken == AT_ONCE or self.has_rung):
            # The event loop has other things to do meanwhile.
            self.take_soon()
        return taken

    def _take_or_hear(self) -> bool:
        if self._has_room and self._take_one():
            return True
        self._session.hear()
        return False

    @property
    def _has_room(self) -> bool:
        return bool(self._callbacks) and (self.limit == NO_LIMIT or len(self._held) < self.limit)

    def _take_one(self) -> bool:
        if self._session.has_rung:
            self._look()
        for name, length in self._found.items():
            queue = name.partition("\x06")[0]
            if not length or queue in known.left_out():
                continue
            message = self._session.channel.basic_get(names.queue_of(name))
            self._found[name] = message.delivery_info["message_count"] if message else 0
            if message:
                self._deliver(message, queue=queue)
                return True
        return self._take_dead_letter()

    def _look(self) -> None:
        lists = [list_of(queue=queue, priority=step) for step in Priority for queue in self._callbacks]
        self._found = dict(zip(lists, self._session.look(lists), strict=True))

    def _deliver(self, found: amqp.Message, *, queue: str) -> None:
        try:
            message = Message(wire.document_of(found, queue=queue), channel=self)
        except NotAMessage as problem:
            self._quarantine(found, queue=queue, problem=str(problem))
            return
        tag: Any = found.delivery_tag
        # That of the envelope was made for Redis.
        message.delivery_tag = tag
        message.delivery_info["redelivered"] = found.delivery_info["redelivered"]
        self._held[tag] = LEDGER_HEADER in message.headers
        self._callbacks[queue](message)

    def _take_dead_letter(self) -> bool:
        if not self._session.dead_letters:
            return False
        message = self._session.channel.basic_get(names.dead_letters())
        self._session.dead_letters = message.delivery_info["message_count"] if message else 0
        if message:
            self._quarantine(message, queue=names.dead_letters(), problem=wire.why_dead(message))
        return message is not None

    def _quarantine(self, message: amqp.Message, *, queue: str, problem: str) -> None:
        quarantine.add(wire.raw_of(message, queue=queue), queue=queue, problem=problem)
        self._session.channel.basic_ack(message.delivery_tag)

    def basic_ack(self, delivery_tag: int, multiple: bool = False) -> None:  # noqa: ARG002 (never so)
        """The worker is done with a message, and has room for another."""
        self._session.channel.basic_ack(delivery_tag)
        self._let_go(delivery_tag)

    def basic_reject(self, delivery_tag: int, requeue: bool) -> None:
        """The worker gives a message back, or makes it a dead letter.

        What becomes of a job stands in the ledger, as that a worker of another release will know its task:
        its message goes, as on Redis, and is no dead letter.
        """
        if not requeue and self._held.get(delivery_tag):
            self._session.channel.basic_ack(delivery_tag)
        else:
            self._session.channel.basic_reject(delivery_tag, requeue)
        self._let_go(delivery_tag)

    def _let_go(self, delivery_tag: int) -> None:
        self._held.pop(delivery_tag, None)
        self.take_soon()

    def decode_body(self, body: Any, encoding: str | None = None) -> Any:
        """As kombu's virtual channels do."""
        return base64.b64decode(body) if encoding == "base64" else body

    def close(self) -> None:
        """Take nothing more; what was acknowledged is known to RabbitMQ when this returns."""
        self._leave_loop()
        with suppress(*FAILURES):
            self._session.connection.close()

    def drop(self) -> None:
        """The connection is gone; RabbitMQ gives what was taken to others."""
        self._leave_loop()
        self._session.drop()

    def _leave_loop(self) -> None:
        if not self._is_in_loop:
            return
        self._is_in_loop = False
        self._timer.cancel()
        self._hub.remove_reader(self._due)
        os.close(self._due)
        if self._session.connection.connected:
            self._hub.remove_reader(self.sock)

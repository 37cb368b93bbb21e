"""What kombu takes for amqp:// and amqps://."""

from __future__ import annotations

import select
import time
from typing import Any

from amqp.protocol import queue_declare_ok_t
from kombu.transport import pyamqp

from app.jobs.broker.current import broker
from app.jobs.broker.lists import list_of
from app.jobs.broker.rabbitmq import names
from app.jobs.celery.transport import connecting
from app.jobs.celery.transport.message import Message
from app.jobs.celery.transport.purging import purge
from app.jobs.celery.transport.rabbitmq.taker import NO_LIMIT, TICK_SECONDS, Taker
from app.topology import Priority, Queue

QUEUES = frozenset(queue.value for queue in Queue)


class Channel(pyamqp.Channel):
    """kombu's channel, for which the lists of a queue of ours are one queue."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.taker: Taker | None = None
        self._limit = NO_LIMIT
        #: The queues that are consumed, by the tag that kombu gives to each.
        self._consumed: dict[str, str] = {}
        super().__init__(*arguments, **options)

    def queue_declare(self, queue: str = "", *arguments: Any, **options: Any) -> Any:
        """Declare a queue; of ours, all lists."""
        if queue not in QUEUES:
            return super().queue_declare(queue, *arguments, **options)
        return queue_declare_ok_t(queue, sum(broker().lengths(names.lists_of(queue))), 0)

    def exchange_declare(self, exchange: str, *arguments: Any, **options: Any) -> Any:
        """Declare an exchange; that which Celery names after its default queue is of no use here."""
        return None if exchange in QUEUES else super().exchange_declare(exchange, *arguments, **options)

    def queue_bind(self, queue: str, *arguments: Any, **options: Any) -> Any:
        """Bind a queue; the lists of ours are bound already."""
        return None if queue in QUEUES else super().queue_bind(queue, *arguments, **options)

    def queue_purge(self, queue: str = "", *arguments: Any, **options: Any) -> Any:
        """Purge a queue; of ours, all lists and what is kept of it elsewhere."""
        if queue not in QUEUES:
            return super().queue_purge(queue, *arguments, **options)
        return purge(queue, remove_messages=lambda: self._purge_lists(queue))

    def _purge_lists(self, queue: str) -> int:
        broker().lengths(names.lists_of(queue))  # which declares them
        return sum(self._purge_list(names.queue_of(name)) for name in names.lists_of(queue))

    def _purge_list(self, name: str) -> int:
        return int(super().queue_purge(name) or 0)

    def basic_publish(
        self, msg: Any, exchange: str = "", routing_key: str = "", *arguments: Any, **options: Any
    ) -> Any:
        """Publish a message; one to a queue of ours into the list of its priority, and wait for that."""
        if exchange or routing_key not in QUEUES:
            return super().basic_publish(msg, exchange, routing_key, *arguments, **options)
        priority = msg.properties.get("priority")
        name = list_of(queue=routing_key, priority=Priority.URGENT if priority is None else priority)
        return self.basic_publish_confirm(msg, names.exchange(), names.queue_of(name), *arguments, **options)

    def basic_qos(
        self,
        prefetch_size: int,  # noqa: ARG002 (RabbitMQ is told nothing of it: it sends nothing by itself)
        prefetch_count: int,
        *arguments: Any,  # noqa: ARG002
        **options: Any,  # noqa: ARG002
    ) -> Any:
        """How many messages of ours may be taken and not acknowledged."""
        self._limit = prefetch_count
        if self.taker is not None:
            self.taker.limit = prefetch_count
            self.taker.take_soon()

    def basic_consume(
        self, queue: str = "", consumer_tag: str = "", *arguments: Any, callback: Any = None, **options: Any
    ) -> Any:
        """Consume a queue; one of ours by taking what there is when there is room."""
        if queue not in QUEUES:
            options["callback"] = callback
            return super().basic_consume(queue, consumer_tag, *arguments, **options)
        if self.taker is None:
            with connecting.attempt():
                self.taker = Taker(hub=self.connection.hub)
            self.taker.limit = self._limit
        self._consumed[consumer_tag] = queue
        self.taker.add(queue, callback)
        return consumer_tag

    def basic_cancel(self, consumer_tag: str, *arguments: Any, **options: Any) -> Any:
        """Consume a queue no more."""
        queue = self._consumed.pop(consumer_tag, None)
        if queue is None:
            return super().basic_cancel(consumer_tag, *arguments, **options)
        if self.taker is not None:
            self.taker.remove(queue)
        return None

    def message_to_python(self, raw_message: Any) -> Any:
        """A message of ours is one already."""
        return raw_message if isinstance(raw_message, Message) else super().message_to_python(raw_message)

    def close(self, *arguments: Any, **options: Any) -> Any:
        """Close the channel in good order."""
        if self.taker is not None:
            self.taker.close()
            self.taker = None
        return super().close(*arguments, **options)

    def collect(self) -> None:
        """The channel is closed, or its connection is gone."""
        if self.taker is not None:
            self.taker.drop()
            self.taker = None
        super().collect()


class Connection(pyamqp.Connection):
    """A connection whose channels are ours, and which knows in whose event loop it is."""

    Channel = Channel
    #: kombu's own word for it is lost when a loop is reset, as when a broker restarts.
    hub: Any = None


class Transport(pyamqp.Transport):
    """kombu's transport, with whatever else a channel of ours waits for."""

    Connection = Connection

    def establish_connection(self) -> Any:
        """Connect; what watches over the main thread knows when that is what it does."""
        with connecting.attempt():
            return super().establish_connection()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Have the loop read what comes over the connection."""
        connection.hub = loop
        super().register_with_event_loop(connection, loop)

    def drain_events(self, connection: Any, timeout: float | None = None, **options: Any) -> Any:
        """Wait for an event, without an event loop."""
        takers = [one.taker for one in connection.channels.values() if getattr(one, "taker", None)]
        if not takers:
            return super().drain_events(connection, timeout=timeout, **options)
        until = None if timeout is None else time.monotonic() + timeout
        while not any(taker.take() for taker in takers):
            left = TICK_SECONDS if until is None else min(until - time.monotonic(), TICK_SECONDS)
            if left <= 0:
                raise TimeoutError
            _wait(connection, takers, seconds=left)
        return None


def _wait(connection: Any, takers: list[Taker], *, seconds: float) -> None:
    if any(taker.has_rung for taker in takers):
        return
    ready, _, _ = select.select([connection.sock, *(taker.sock for taker in takers)], [], [], seconds)
    if connection.sock in ready:
        connection.drain_events(timeout=0)
    for taker in takers:
        taker.look_again()

"""kombu's Redis transport, able to lose its connection, and to meet garbage, at any moment."""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog
from kombu.transport import redis as kombu_redis
from kombu.transport.virtual import Empty
from redis.exceptions import ConnectionError as RedisConnectionError

from app.jobs.celery import compat
from app.jobs.celery.transport import connecting, envelope
from app.jobs.celery.transport.bindings import Bindings
from app.jobs.celery.transport.envelope import NotAMessage
from app.jobs.celery.transport.message import Message
from app.jobs.celery.transport.purging import purge
from app.jobs.celery.transport.unacked import QoS
from app.jobs.quarantine import quarantine

log = structlog.get_logger(__name__)


class Client(kombu_redis.PrefixedStrictRedis):
    """Sends together what kombu puts together, and not as a transaction unless it has to be one.

    A full Redis refuses transactions whole: also the acknowledgements and deletions that would make room.
    """

    def pipeline(self, transaction: bool = False, shard_hint: Any = None) -> Any:
        """Commands that are sent at once."""
        kombu: Any = super()
        return kombu.pipeline(transaction, shard_hint)


class Channel(Bindings):
    """A channel that says so when its connection is gone.

    kombu 5.7 gives the unacknowledged messages back while it closes a lost connection, and fails with
    an AttributeError on the connection that is not there any more. A connection error is what Celery
    expects at that place: it reconnects, where anything else ends the worker.
    """

    connection: Any
    Message = Message
    QoS = QoS

    def _get_client(self) -> Any:
        return partial(Client, global_keyprefix=self.global_keyprefix)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("The connection to Redis is closed.")
        return compat.connection_parameters(self, asynchronous=asynchronous)

    def queue_purge(self, queue: str, **options: Any) -> int:
        """As kombu's, and what is kept of the queue elsewhere."""
        kombu: Any = super()
        return purge(queue, remove_messages=lambda: kombu.queue_purge(queue, **options))

    def _brpop_read(self, **options: Any) -> bool:
        """As kombu's, but what is not a message is quarantined instead of ending the worker."""
        queue = None
        try:
            queue, raw = self._popped(**options)
            try:
                compat.deliver(self, envelope.read(raw), queue=queue)
            except NotAMessage as problem:
                quarantine.add(raw, queue=queue, problem=str(problem))
            return True
        finally:
            compat.end_poll(self, queue=queue)

    def _popped(self, **options: Any) -> tuple[str, bytes]:
        kombu: Any = self
        connection = kombu.client.connection
        try:
            answer = kombu.client.parse_response(connection, "BRPOP", **options)
        except kombu.connection_errors:
            # So that the next poll connects again.
            connection.disconnect()
            raise
        if not answer:
            raise Empty
        name, raw = answer
        return name.decode().rsplit(kombu.sep, 1)[0], raw

    def _deliver_fanout_message(self, message: Any, exchange: str) -> bool:
        try:
            return compat.deliver_broadcast(self, message, exchange)
        except NotAMessage as problem:
            log.warning("broadcast_dropped", exchange=exchange, problem=str(problem))
            return True


class Transport(kombu_redis.Transport):
    """What kombu takes for redis:// and rediss://."""

    Channel = Channel

    def establish_connection(self) -> Any:
        """Connect; what watches over the main thread knows when that is what it does."""
        kombu: Any = super()
        with connecting.attempt():
            return kombu.establish_connection()

"""kombu's Redis transport, able to lose its connection, and to meet garbage, at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import redis
import structlog
from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.transport import redis as kombu_redis
from kombu.transport.virtual import Empty
from redis.exceptions import ConnectionError as RedisConnectionError

from app import envelope, quarantine
from app.envelope import LEDGER_HEADER, NotAMessage

if TYPE_CHECKING:
    from collections.abc import Collection


log = structlog.get_logger(__name__)


class Message(virtual.Message):
    """A message that Celery can take without stumbling."""

    def __init__(self, payload: Any, channel: Any = None, **kwargs: Any) -> None:
        kombu: Any = super()
        envelope.parsed(kombu.__init__, payload, channel=channel, **kwargs)
        envelope.check(self)


class QoS(kombu_redis.QoS):
    """Keeps no second copy of a ledger's message in Redis while it is worked on: the ledger repeats it.

    Writing that copy and deleting it again are two of the three round trips kombu makes for a message.
    """

    channel: Any
    _delivered: Any

    def append(self, message: Any, delivery_tag: str) -> None:
        self._kind(message).append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        self._kind(self._delivered.get(delivery_tag)).ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        message = self._delivered.get(delivery_tag)
        if self._kind(message) is kombu_redis.QoS:
            super().reject(delivery_tag, requeue)
            return
        if requeue:
            self._give_back([message], leftmost=True)
        virtual.QoS.ack(self, delivery_tag)

    def restore_unacked(self, client: Any = None) -> Any:
        held = {tag: one for tag, one in self._delivered.items() if self._kind(one) is virtual.QoS}
        self._give_back(held.values(), client=client)
        for tag in held:
            del self._delivered[tag]
        return super().restore_unacked(client)

    @staticmethod
    def _kind(message: Any) -> Any:
        ledgered = message is not None and message.headers.get(LEDGER_HEADER)
        return virtual.QoS if ledgered else kombu_redis.QoS

    def _give_back(self, messages: Collection[Any], *, client: Any = None, leftmost: bool = False) -> None:
        if not messages:
            return
        with self.channel.conn_or_acquire(client) as connected:
            pipeline = connected.pipeline()
            for message in messages:
                to = message.delivery_info
                self.channel._do_restore_message(
                    message._raw, to["exchange"], to["routing_key"], pipeline, leftmost
                )
            pipeline.execute()


class Channel(kombu_redis.Channel):
    """A channel that says so when its connection is gone.

    kombu 5.7 gives the unacknowledged messages back while it closes a lost connection, and fails with
    an AttributeError on the connection that is not there any more. A connection error is what Celery
    expects at that place: it reconnects, where anything else ends the worker.
    """

    connection: Any
    Message = Message
    QoS = QoS

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("The connection to Redis is closed.")
        kombu: Any = super()
        params: dict[str, Any] = kombu._connparams(asynchronous=asynchronous)
        return params

    def _brpop_read(self, **options: Any) -> bool:
        """As kombu's, but what is no message is put aside instead of ending the worker."""
        kombu: Any = self
        try:
            queue, raw = self._popped(**options)
            kombu._queue_cycle.rotate(queue)
            try:
                self.connection._deliver(envelope.read(raw), queue)
            except NotAMessage as problem:
                client = redis.Redis(connection_pool=kombu.pool)
                quarantine.put_aside(client, raw, queue=queue, problem=str(problem))
            return True
        finally:
            kombu._in_poll = None
            kombu._flush_brpop_reauth()

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
        kombu: Any = super()
        try:
            return bool(kombu._deliver_fanout_message(message, exchange))
        except NotAMessage as problem:
            log.warning("broadcast_dropped", exchange=exchange, problem=str(problem))
            return True


class Transport(kombu_redis.Transport):
    """What kombu takes for redis:// and rediss:// once this module is imported."""

    Channel = Channel


TRANSPORT_ALIASES.update(redis="app.broker:Transport", rediss="app.broker:Transport")


def kombu_url(redis_url: str) -> str:
    """A Redis URL as kombu spells it; only that of a Unix socket differs."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = dict(parse_qsl(parts.query)).get("db", "0")
    credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return f"redis+socket://{credentials}{parts.path}?virtual_host={database}"

"""kombu's Redis transport, able to lose its connection, and to meet garbage, at any moment."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from kombu.transport import redis as kombu_redis
from kombu.transport.virtual import Empty
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from app.jobs.celery import compat
from app.jobs.celery.pauses import known
from app.jobs.celery.transport import connecting, envelope
from app.jobs.celery.transport.bindings import Bindings
from app.jobs.celery.transport.envelope import NotAMessage
from app.jobs.celery.transport.message import Message
from app.jobs.celery.transport.purging import purge
from app.jobs.celery.transport.redis_errors import tolerated
from app.jobs.celery.transport.unacked import QoS
from app.jobs.quarantine import quarantine

if TYPE_CHECKING:
    from collections.abc import Iterable

log = structlog.get_logger(__name__)


class Taker(Protocol):
    """Takes several messages at once."""

    def room(self) -> int:
        """How many more it takes now."""

    def take(self, queue: str, place: str, raws: Iterable[bytes]) -> None:
        """Take messages of a queue, from the list that is that place."""


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
    global_keyprefix: str
    sep: str
    Message = Message
    QoS = QoS
    #: What takes several messages at once, for the channel of a worker that claims ahead.
    lookahead: Taker | None = None
    #: It, while what is asked for now is for it.
    _asked_by: Taker | None = None
    #: The queues that are not asked for messages.
    _left_out: frozenset[str] = frozenset()

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

    def _update_queue_cycle(self) -> None:
        kombu: Any = self
        self._left_out = left_out = known.left_out()
        compat.poll_queues(self, [queue for queue in kombu.active_queues if queue not in left_out])

    def _brpop_start(self, timeout: float | None = None) -> None:
        if self._left_out is not known.left_out():
            self._update_queue_cycle()
        if self.lookahead is None:
            compat.begin_single_poll(self, timeout)
        elif room := self.lookahead.room():
            self._asked_by = self.lookahead
            compat.begin_poll(self, count=room)

    def _read_many(self, ahead: Taker) -> bool:
        queue = None
        try:
            answer = self._answer("BLMPOP")
            if not answer:
                raise Empty
            place = answer[0].decode().removeprefix(self.global_keyprefix)
            queue = place.rsplit(self.sep, 1)[0]
            if queue in known.left_out():
                self._send_back(reversed(answer[1]), queue=queue)
            else:
                ahead.take(queue, place, answer[1])
            return True
        finally:
            self._asked_by = None
            compat.end_poll(self, queue=queue)

    def _send_back(self, raws: Iterable[bytes], *, queue: str) -> None:
        """What was asked for before its queue was paused."""
        for raw in raws:
            try:
                compat.refuse(self, envelope.read(raw))
            except NotAMessage as problem:
                quarantine.add(raw, queue=queue, problem=str(problem))

    def takes_many(self) -> bool:
        """Whether Redis gives several messages at once, as it does since 7.0 to whom its rules allow it."""
        kombu: Any = self
        nothing = f"{self.global_keyprefix}nothing"
        try:
            with kombu.conn_or_acquire() as client:
                client.execute_command("BLMPOP", 0.001, 1, nothing, "RIGHT", "COUNT", 1)
        except ResponseError as error:
            log.warning("messages_one_by_one", error=str(error))
            return False
        return True

    def give_back(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Put messages (each with its list) back to where they are taken next."""
        kombu: Any = self
        with tolerated("messages_not_given_back"), kombu.conn_or_acquire() as client:
            pipeline = client.pipeline()
            for place, raw in messages:
                pipeline.rpush(place, raw)
            pipeline.execute()

    def _brpop_read(self, **options: Any) -> bool:
        """As kombu's, but what is not a message is quarantined instead of ending the worker."""
        if self._asked_by is not None:
            return self._read_many(self._asked_by)
        queue = None
        try:
            queue, raw = self._popped(**options)
            if queue in known.left_out():
                self._send_back([raw], queue=queue)
                return True
            try:
                compat.deliver(self, envelope.read(raw), queue=queue)
            except NotAMessage as problem:
                quarantine.add(raw, queue=queue, problem=str(problem))
            return True
        finally:
            compat.end_poll(self, queue=queue)

    def _popped(self, **options: Any) -> tuple[str, bytes]:
        kombu: Any = self
        answer = self._answer("BRPOP", **options)
        if not answer:
            raise Empty
        name, raw = answer
        return name.decode().rsplit(kombu.sep, 1)[0], raw

    def _answer(self, command: str, **options: Any) -> Any:
        kombu: Any = self
        connection = kombu.client.connection
        try:
            return kombu.client.parse_response(connection, command, **options)
        except kombu.connection_errors:
            # So that the next poll connects again.
            connection.disconnect()
            raise

    def _deliver_fanout_message(self, message: Any, exchange: str) -> bool:
        try:
            return compat.deliver_broadcast(self, message, exchange)
        except NotAMessage as problem:
            log.warning("broadcast_dropped", exchange=exchange, problem=str(problem))
            return True


class Transport(kombu_redis.Transport):
    """What kombu takes for redis:// and rediss://."""

    Channel = Channel
    cycle: Any

    def establish_connection(self) -> Any:
        """Connect; what watches over the main thread knows when that is what it does."""
        kombu: Any = super()
        with connecting.attempt():
            return kombu.establish_connection()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """As kombu's, which tells the loop of each connection anew before each turn; here once is enough."""
        kombu: Any = super()
        others = set(loop.on_tick)
        kombu.register_with_event_loop(connection, loop)
        for repeated in loop.on_tick - others:
            loop.on_tick.remove(repeated)
        loop.on_tick.add(partial(self._before_turn, loop, told={}))

    def _before_turn(self, loop: Any, *, told: dict[int, Any]) -> None:
        self.cycle.on_poll_start()
        for fd, socket in compat.polled(self.cycle):
            # Another socket may have the number of one that was closed.
            if told.get(fd) is not socket or fd not in loop.readers:
                loop.add_reader(fd, self.on_readable, fd)
                told[fd] = socket

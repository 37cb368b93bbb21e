"""What is asked of the broker, of RabbitMQ."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from app.jobs.broker.port import Held, Quarantined
from app.jobs.broker.rabbitmq import names
from app.jobs.broker.rabbitmq.pool import Pool
from app.jobs.broker.rabbitmq.publishing import PublishingSession
from app.jobs.broker.rabbitmq.session import FAILURES, Session
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import amqp

#: For questions, which no request waits for. Those who send have the publish timeout.
ASKING = timedelta(seconds=2)


class RabbitMqBroker:
    """Who asks has connections of their own: RabbitMQ blocks those that send when it is short of anything."""

    failures = FAILURES
    kind = "rabbitmq"

    def __init__(self) -> None:
        timeout = settings().publish_timeout_ms / 1000
        self._sending = Pool(partial(PublishingSession, timeout=timeout))
        self._asking = Pool(partial(Session, timeout=max(timeout, ASKING.total_seconds())))

    @property
    def place(self) -> str:
        """Its name and its URL, fit to be shown."""
        return f"RabbitMQ {settings().broker.shown}"

    def push(self, name: str, message: bytes) -> int:
        """Send one message."""
        [answer] = self.push_many([(name, [message])])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def push_many(self, portions: Sequence[tuple[str, Sequence[bytes]]]) -> list[int | Exception]:
        """Send messages to several lists, and wait for what RabbitMQ says of each portion."""
        return self._sending.run(lambda session: session.publish(portions))

    def lengths(self, names: Sequence[str]) -> list[int]:
        """How many messages the lists hold."""
        return self._asking.run(lambda session: session.lengths(names))

    def look(self, names: Sequence[str]) -> list[Held]:
        """How many messages the lists hold; nobody can see which."""
        return [Held(length, None) for length in self.lengths(names)]

    def messages(self, name: str) -> None:  # noqa: ARG002 (the port has it)
        """Nobody can see them without taking them."""
        return

    def ping(self) -> None:
        """Ask it for any answer."""
        self._asking.run(lambda session: session.round_trip())

    def version(self) -> str:
        """The server's version, from an answer of now."""
        return self._asking.run(_version)

    def check_room(self) -> None:
        """Raise what it says when it takes no messages."""
        self._sending.run(lambda session: session.check())

    def add_to_quarantine(self, entry: str) -> None:
        """Quarantine an entry; RabbitMQ lets go the oldest of too many."""
        self._sending.run(lambda session: session.publish_entry(entry))

    def quarantine_entries(self, *, limit: int) -> list[bytes]:
        """What is in quarantine, the newest first. Others who look meanwhile see what is left."""
        return self._asking.run(_entries)[:limit]

    def forget_quarantined(self, entry: bytes) -> bool:
        """Forget one entry of the quarantine; whether it was there."""
        return self._asking.run(partial(_forget, entry=entry))

    def quarantined(self) -> Quarantined:
        """How much is quarantined."""
        return Quarantined(kept=self._asking.run(lambda session: session.length_of_quarantine()), total=None)

    def clear_quarantine(self) -> int:
        """Forget what is in quarantine."""
        return self._asking.run(_clear)

    def close(self) -> None:
        """Forget all connections."""
        self._sending.close()
        self._asking.close()


def _version(session: Session) -> str:
    session.round_trip()
    return session.version


def _entries(session: Session) -> list[bytes]:
    with _taken(session) as messages:
        return [_as_bytes(message) for message in messages][::-1]


def _forget(session: Session, *, entry: bytes) -> bool:
    with _taken(session) as messages:
        for message in messages:
            if _as_bytes(message) == entry:
                message.channel.basic_ack(message.delivery_tag)
                return True
    return False


@contextmanager
def _taken(session: Session) -> Iterator[Iterator[amqp.Message]]:
    """What is in quarantine, from the oldest on; what is not acknowledged goes back to its place."""
    session.length_of_quarantine()
    channel = session.connection.channel()
    yield iter(lambda: channel.basic_get(names.quarantine()), None)
    channel.close()


def _as_bytes(message: amqp.Message) -> bytes:
    return message.body.encode() if isinstance(message.body, str) else bytes(message.body)


def _clear(session: Session) -> int:
    session.length_of_quarantine()
    return int(session.channel.queue_purge(names.quarantine()) or 0)

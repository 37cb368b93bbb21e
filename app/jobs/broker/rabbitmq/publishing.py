"""Sends messages by a session, and waits until RabbitMQ has them on its disks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import amqp
from amqp.exceptions import MessageNacked

from app.jobs.broker.rabbitmq import names
from app.jobs.broker.rabbitmq.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Marks bodies that hold a whole message, headers and all, as on Redis: AMQP bounds what headers may hold.
ENVELOPE = "application/x-groundwork-envelope"
PERSISTENT = 2


class Blocked(amqp.RecoverableConnectionError):
    """Raised when RabbitMQ has told a connection that it reads no more from it."""

    def __init__(self) -> None:
        super().__init__("RabbitMQ takes nothing: it is short of memory or of disk")


class PublishingSession(Session):
    """A session in confirm mode. What is not confirmed in time counts as not sent."""

    def __init__(self, *, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._sent = 0
        #: Tags of what is neither confirmed nor refused, and of what was refused.
        self._open: set[int] = set()
        self._refused: set[int] = set()
        self._returned = False
        self.channel.confirm_select()
        self.channel.events["basic_ack"].add(self._on_ack)
        self.channel.events["basic_nack"].add(self._on_nack)
        self.channel.events["basic_return"].add(self._on_return)

    def publish(self, portions: Sequence[tuple[str, Sequence[bytes]]]) -> list[int | Exception]:
        """Send messages to lists; how long each list is then, or that it did not take its portion."""
        answers = self._publish(portions)
        if not self._returned:
            return answers
        # A queue was deleted, and made again without what binds it to the exchange.
        self._returned = False
        self.forget_lists()
        again = [portion for portion, answer in zip(portions, answers, strict=True) if _is_refused(answer)]
        found = iter(self._publish(again))
        return [next(found) if _is_refused(answer) else answer for answer in answers]

    def _publish(self, portions: Sequence[tuple[str, Sequence[bytes]]]) -> list[int | Exception]:
        lengths = self.lengths([name for name, _ in portions])
        ranges = [self._send(names.exchange(), names.queue_of(name), messages) for name, messages in portions]
        self._await_confirms()
        return [
            MessageNacked("RabbitMQ refused messages")
            if self._refused.intersection(tags)
            else length + len(tags)
            for length, tags in zip(lengths, ranges, strict=True)
        ]

    def publish_entry(self, entry: str) -> None:
        """Send an entry to the quarantine."""
        self.length_of_quarantine()
        self._send("", names.quarantine(), [entry.encode()])
        self._await_confirms()

    def check(self) -> None:
        """Send what goes nowhere, to hear whether anything is taken. Raises `Blocked` if not."""
        self._send("", f"{names.exchange()}-nowhere", [b""], mandatory=False)
        try:
            self._await_confirms()
            # A connection is blocked with the first message that it sends, and then nothing is answered.
            self.round_trip()
        except TimeoutError:
            self._refuse_blocked()
            raise
        self._refuse_blocked()

    def _send(self, exchange: str, queue: str, messages: Sequence[bytes], *, mandatory: bool = True) -> range:
        first = self._sent + 1
        self._open.update(range(first, first + len(messages)))
        for message in messages:
            one = amqp.Message(message, content_type=ENVELOPE, delivery_mode=PERSISTENT)
            self.channel.basic_publish(one, exchange, queue, mandatory=mandatory)
        self._sent += len(messages)
        return range(first, self._sent + 1)

    def _await_confirms(self) -> None:
        while self._open:
            self._refuse_blocked()
            self.connection.drain_events()

    def _refuse_blocked(self) -> None:
        if self.is_blocked:
            raise Blocked

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._settle(tag, multiple=multiple)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._refused |= self._settle(tag, multiple=multiple)

    def _settle(self, tag: int, *, multiple: bool) -> set[int]:
        settled = {one for one in self._open if one <= tag} if multiple else {tag}
        self._open -= settled
        return settled

    def _on_return(self, *_: Any) -> None:
        # Which one it was is not told, and to send again is harmless.
        self._returned = True
        self._refused |= self._open


def _is_refused(answer: int | Exception) -> bool:
    return isinstance(answer, Exception)

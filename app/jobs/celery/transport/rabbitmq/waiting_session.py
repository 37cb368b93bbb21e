"""A session that hears of what is sent to lists, without taking it."""

from __future__ import annotations

import os
import secrets
import socket
from typing import TYPE_CHECKING, Any

from app.jobs.broker.rabbitmq import names
from app.jobs.broker.rabbitmq.session import Session
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The first message that comes to a bell rings; until it is acknowledged, no other does.
ONE = 1
#: After two of these without a word, RabbitMQ gives what a worker holds to others.
HEARTBEAT_SECONDS = 30


class WaitingSession(Session):
    """It has a queue of its own, a bell, to which a copy goes of what is sent to the lists.

    The bell holds one message. So it rings once, however many are sent until somebody looks, and costs a
    worker nothing while that has no process free.
    """

    def __init__(self, *, timeout: float) -> None:
        super().__init__(timeout=timeout, heartbeat=HEARTBEAT_SECONDS)
        self.has_rung = True
        self.dead_letters = 0
        self._rung: int | None = None
        self._heard: set[str] = set()
        host = socket.gethostname()[:100]
        self._bell = f"{settings().redis_prefix}bell.{host}.{os.getpid()}.{secrets.token_hex(4)}"
        self.lengths([])
        self.channel.queue_declare(self._bell, exclusive=True, arguments={"x-max-length": ONE})
        self.channel.basic_qos(0, ONE, False)
        self.channel.basic_consume(self._bell, callback=self._ring)

    def _ring(self, message: Any) -> None:
        self.has_rung, self._rung = True, message.delivery_tag

    def listen(self, lists: Sequence[str]) -> None:
        """Hear of what is sent to these, too."""
        for name in set(lists) - self._heard:
            self.channel.queue_bind(self._bell, names.exchange(), names.queue_of(name), nowait=True)
            self._heard.add(name)

    def look(self, lists: Sequence[str]) -> list[int]:
        """How many messages the lists hold. What comes from now on rings again."""
        self.has_rung = False
        if self._rung is not None:
            self.channel.basic_ack(self._rung)
            self._rung = None
        self.dead_letters = self.count_dead_letters()
        return self.lengths(lists)

    def hear(self) -> None:
        """Read what has come; to be called when there is something to be read."""
        try:
            while True:
                self.connection.drain_events(timeout=0)
        except TimeoutError:
            return

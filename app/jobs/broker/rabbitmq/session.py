"""A connection to RabbitMQ with one channel, on which every wait is bounded."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import amqp
from amqp import spec

from app.jobs.broker.rabbitmq import names
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What RabbitMQ's being away, or refusing, is raised as.
FAILURES: tuple[type[Exception], ...] = (amqp.AMQPError, amqp.exceptions.MessageNacked, OSError)
_DECLARE = "BsbbbbbF"


class QueueDiffers(amqp.PreconditionFailed):
    """Raised for a queue that is there and was not declared by this release."""

    def __init__(self, told: str) -> None:
        super().__init__(
            f"a queue is there with other arguments than this release gives it: {told}. Let the workers "
            "drain it, delete it (groundwork-rabbitmqctl delete_queue), and it is declared anew"
        )


class Session:
    """For one thread at a time. After an error it is of no use any more."""

    def __init__(self, *, timeout: float, heartbeat: int = 0) -> None:
        self.is_blocked = False
        self.connection: Any = amqp.Connection(
            on_blocked=self._block, on_unblocked=self._unblock, heartbeat=heartbeat, **_options(timeout)
        )
        try:
            self.connection.connect()
            self.connection.transport.sock.settimeout(timeout)
            self.channel: Any = self.connection.channel()
        except BaseException:
            self.drop()
            raise
        self._known: set[str] = set()
        self._knows_shared = False

    def _block(self, _reason: str) -> None:
        self.is_blocked = True

    def _unblock(self) -> None:
        self.is_blocked = False

    @property
    def version(self) -> str:
        """The server's."""
        return str(self.connection.server_properties.get("version", ""))

    def lengths(self, lists: Sequence[str]) -> list[int]:
        """How many messages the lists hold. Those that are not there are made."""
        if not self._knows_shared:
            self._declare_shared()
        for name in lists:
            queue = names.queue_of(name)
            self._send_declare(queue, arguments=names.list_arguments())
            if name not in self._known:
                self.channel.queue_bind(queue, names.exchange(), queue, nowait=True)
        found = [self._declared() for _ in lists]
        self._known.update(lists)
        return found

    def forget_lists(self) -> None:
        """Bind them anew, for somebody has deleted some."""
        self._known.clear()

    def _declare_shared(self) -> None:
        """What all lists have in common."""
        self.channel.exchange_declare(
            names.exchange(), "direct", durable=True, auto_delete=False, nowait=True
        )
        self._send_declare(names.dead_letters(), arguments=names.dead_letter_arguments())
        self._send_declare(names.quarantine(), arguments=names.quarantine_arguments())
        self._declared()
        self._declared()
        self._knows_shared = True

    def count(self, queue: str, *, arguments: dict[str, Any]) -> int:
        """How many messages another queue holds."""
        if not self._knows_shared:
            self._declare_shared()
        self._send_declare(queue, arguments=arguments)
        return self._declared()

    def _send_declare(self, queue: str, *, arguments: dict[str, Any]) -> None:
        # Without waiting, so that the answers to many come together.
        flags = (False, True, False, False, False)  # passive, durable, exclusive, auto_delete, nowait
        self.channel.send_method(spec.Queue.Declare, _DECLARE, (0, queue, *flags, arguments))

    def _declared(self) -> int:
        try:
            _, length, _ = self.channel.wait(spec.Queue.DeclareOk, returns_tuple=True)
        except amqp.PreconditionFailed as error:
            raise QueueDiffers(str(error.reply_text)) from None
        return int(length)

    def length_of_quarantine(self) -> int:
        """How many entries there are."""
        return self.count(names.quarantine(), arguments=names.quarantine_arguments())

    def count_dead_letters(self) -> int:
        """How many messages nobody could bring to an end."""
        return self.count(names.dead_letters(), arguments=names.dead_letter_arguments())

    def round_trip(self) -> None:
        """Ask for any answer."""
        self.channel.basic_qos(0, 0, False)

    def detach(self) -> None:
        """Close the descriptor alone: the connection belongs to the process that this one was forked from."""
        self.connection.transport.sock.close()

    def drop(self) -> None:
        """Close the connection without another word, which could take long."""
        self.connection.collect()


def _options(timeout: float) -> dict[str, Any]:
    address: Any = settings().broker
    return {
        "host": address.host_and_port,
        "userid": address.username,
        "password": address.password,
        "login_method": "PLAIN",
        "virtual_host": address.vhost,
        "ssl": dict(address.tls) if address.tls is not None else False,
        "connect_timeout": timeout,
        "read_timeout": timeout,
        "write_timeout": timeout,
        "client_properties": {"connection_name": f"groundwork@{socket.gethostname()}:{os.getpid()}"},
    }

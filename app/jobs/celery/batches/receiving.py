"""Gives Celery's worker what was claimed for it, by a shorter way than other messages take."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from celery import signals
from celery.exceptions import InvalidTaskError

from app.jobs.celery import compat
from app.jobs.celery.request import JobRequest
from app.jobs.celery.transport.envelope import NotAMessage

if TYPE_CHECKING:
    from app.jobs.celery.batches.claimed import Fetched


class Receiver:
    """Does what Celery's consumer and its strategy do with a message, for a task that is known.

    That the job may run, its claim has said: it is due, not cancelled and not expired.
    """

    def __init__(self, consumer: Any, channel: Any) -> None:
        self._consumer = consumer
        self._channel = channel
        self._held = compat.held(channel.qos)

    def receive(self, fetched: Fetched) -> None:
        """Make a request of a claimed job and hand it to the pool; raises `NotAMessage`."""
        consumer, message = self._consumer, self._channel.Message(fetched.document, channel=self._channel)
        task = consumer.app.tasks[message.headers["task"]]
        tag = message.delivery_tag
        try:
            request = JobRequest(
                message,
                claim=fetched,
                on_ack=partial(self._acknowledge, tag),
                on_reject=partial(self._reject, tag),
                app=consumer.app,
                hostname=consumer.hostname,
                eventer=consumer.event_dispatcher,
                task=task,
                connection_errors=consumer.connection_errors,
            )
        except InvalidTaskError as error:
            raise NotAMessage(str(error)) from error
        self._held[tag] = message
        compat.log_received(request)
        if signals.task_received.receivers:
            signals.task_received.send(sender=consumer, request=request)
        request.tell_received()
        compat.start(request, consumer=consumer)

    def _acknowledge(self, tag: str, *_: Any) -> None:
        self._held.pop(tag, None)

    def _reject(self, tag: str, _log: Any, _errors: Any, requeue: bool = False) -> None:
        if tag in self._held:
            self._channel.basic_reject(tag, requeue=requeue)

"""Gives a worker its lookahead, where its broker and its pool are such that it can have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import bootsteps

from app.jobs.celery import heartbeat
from app.jobs.celery.batches.lookahead import Lookahead
from app.jobs.celery.batches.receiving import Receiver
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable

#: What kombu calls a transport whose messages are asked for by the worker; others send them.
ASKED = "redis"


class ClaimAhead(bootsteps.StartStopStep):
    """Lives as long as the connection; its lookahead as long as the worker."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    lookahead: Lookahead | None = None

    def start(self, parent: Any) -> None:
        """Take messages from this connection by the lookahead."""
        driver, channel = parent.connection.transport.driver_type, parent.task_consumer.channel
        is_possible = settings().claim_ahead and driver == ASKED and parent.hub is not None
        if not is_possible or not channel.takes_many():
            return
        if ClaimAhead.lookahead is None:
            ClaimAhead.lookahead = _started(parent)
        ClaimAhead.lookahead.attach(channel, parent.hub, receiver=Receiver(parent, channel))

    def stop(self, parent: Any) -> None:  # noqa: ARG002 (Celery gives it)
        """The connection ends."""
        if ClaimAhead.lookahead is not None:
            ClaimAhead.lookahead.detach()


def _started(consumer: Any) -> Lookahead:
    made = Lookahead(
        worker=heartbeat.holder(consumer.hostname),
        limit=settings().claim_ahead,
        tasks=consumer.app.tasks,
        concurrency=_processes_of(consumer),
        after_death=consumer.app.backend.after_death,
    )
    made.start()
    heartbeat.hold(made)
    return made


def _processes_of(consumer: Any) -> Callable[[], int]:
    return lambda: int(consumer.pool.num_processes)

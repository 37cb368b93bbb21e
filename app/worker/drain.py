"""Ends a worker without harm: it takes nothing more, lets its jobs end, and gives back what does not."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from app.jobs.celery import compat
from app.jobs.celery.batches.step import ClaimAhead
from app.processes.pidfile import names_this_process
from app.settings.config import settings
from app.worker.generations import LiveWorker, live_workers
from app.worker.order import Order

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.25
#: A worker that nobody holds any more waits so long for what ended last to be acknowledged.
QUIET_TICKS = 2
#: A request for a message is answered within a second by a Redis that works.
ANSWER_SECONDS = 5
#: What others need beyond their own deadline to give their jobs back, on a host where everything is slow; the
#: unit's TimeoutStopSec leaves 15 s.
TIMEOUT_SECONDS = 10


class Drain(threading.Thread):
    """Waits for orders, in a thread because Celery's event loop has to go on while jobs end.

    Celery's own warm shutdown leaves the loop: nothing is acknowledged, no time limit is kept, no control
    command heard. Its soft shutdown sleeps for the whole time, though the jobs may be done at once.
    """

    def __init__(
        self,
        consumer: Any,
        *,
        pidfile: Path | None,
        generation: int,
        on_drain: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        super().__init__(name="drain", daemon=True)
        self._consumer = consumer
        self._pidfile = pidfile
        self._generation = generation
        self._on_drain = on_drain
        self._on_end = on_end
        # Safe to put into from a signal handler, which may interrupt anything.
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._deadline: float | None = None

    def listen(self) -> None:
        """Take orders as signals. To be called in the main thread."""
        for order in Order:
            signal.signal(order.value, partial(self._hear, order))
        self.start()

    def _hear(self, order: Order, *_: object) -> None:
        self._orders.put(order)

    def run(self) -> None:
        order = self._orders.get()
        for step in (partial(self._obey, order), self._on_drain, self._take_nothing_more):
            _do(step)
        quiet = 0
        while quiet < QUIET_TICKS:
            try:
                _do(partial(self._obey, self._orders.get(timeout=TICK_SECONDS)))
            except queue.Empty:
                quiet = 0 if self._is_busy() else quiet + 1
            if self._deadline is not None and time.monotonic() >= self._deadline:
                # Celery's cold shutdown: it ends the children, and what they ran is given back.
                self._on_end()
                os.kill(os.getpid(), signal.SIGQUIT)
                return
        self._on_end()
        compat.leave_loop()

    def wait_for_peers(self) -> None:
        """Wait for those who stop too: systemd kills what is left once its main process has ended."""
        while self._deadline is not None and time.monotonic() < self._deadline + TIMEOUT_SECONDS:
            if not self._others():
                return
            time.sleep(TICK_SECONDS)

    def _obey(self, order: Order) -> None:
        log.info("worker_told", order=order.name.lower(), running=compat.reserved_count())
        if order is Order.DRAIN:
            return
        now = time.monotonic()
        if self._deadline is not None:
            self._deadline = now
            return
        self._deadline = now + settings().soft_shutdown_seconds
        for other in self._others():
            with suppress(ProcessLookupError):
                os.kill(other.pid, signal.SIGTERM)

    def _is_busy(self) -> bool:
        """Whether jobs are at hand, or Redis may still give one: the last request for one is open for 1 s.

        What comes by it is given back. Answered after the end of this process, it would be lost on the way,
        until beat misses it: a Redis that is frozen is not waited for.
        """
        consumer = self._consumer.task_consumer
        asked_at = compat.poll_began(consumer.channel) if consumer and consumer.channel else None
        is_open = asked_at is not None and time.monotonic() - asked_at < ANSWER_SECONDS
        holds = ClaimAhead.lookahead is not None and ClaimAhead.lookahead.is_busy()
        return is_open or holds or compat.reserved_count() > 0

    def _others(self) -> list[LiveWorker]:
        """Those that still drain; nobody speaks for them but the worker that took over."""
        if self._pidfile is None or not names_this_process(self._pidfile):
            return []
        return live_workers(self._pidfile, besides=self._generation)

    def _take_nothing_more(self) -> None:
        queues = self._consumer.app.amqp.queues
        for name in list(queues.consume_from):
            # Deselected here, so that a connection that is being made consumes nothing either.
            queues.deselect(name)
        self._consumer.call_soon(self._cancel)

    def _cancel(self) -> None:
        if self._consumer.task_consumer:
            self._consumer.task_consumer.cancel()
        if ClaimAhead.lookahead is not None:
            ClaimAhead.lookahead.close()


def _do(step: Callable[[], None]) -> None:
    """Take one step; whatever is wrong in it, a worker that was told to end has to go on ending."""
    try:
        step()
    except Exception:
        log.exception("drain_fails")

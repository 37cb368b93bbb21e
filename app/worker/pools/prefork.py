"""Celery's pool of processes, which notices at once that one has ended, keeps one timer for all jobs, and
hands a job to a child that is free without a turn of the event loop.

Celery reads the end of a pipe that its child holds. The kernel closes that a moment before the child can be
waited for, so that Celery looks, finds nobody dead, and looks again after five seconds.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from celery.concurrency.asynpool import AsynPool
from celery.concurrency.prefork import TaskPool

from app.jobs.celery import compat
from app.worker.pools import pipes
from app.worker.pools.deadlines import Deadlines

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable


class WatchedPool(AsynPool):
    """Waits for the ends of its processes itself, where the kernel knows of such."""

    ResultHandler = pipes.Answers
    Worker = pipes.Child
    deadlines: Deadlines | None = None
    #: Orders that wait for a child.
    outbound_buffer: deque[Any]
    on_poll_start: Callable[[], None]
    #: What Celery does before each turn of the loop, for orders that have to wait for a child.
    _schedule: Callable[[], None]
    _is_scheduling = False

    def _create_write_handlers(self, hub: Any, *constants: Any, **named: Any) -> None:
        compat.create_write_handlers(self, hub, *constants, put=self._put, **named)
        self._schedule, self.on_poll_start = self.on_poll_start, self._before_turn

    def _put(self, order: Any) -> None:
        header, body = pipes.framed(order)
        result = compat.result_of(self, order, header=header, body=body)
        free = None if self.outbound_buffer else compat.free_child(self)
        if free is not None and pipes.write_whole(free, header + body):
            compat.note_written(self, result, free)
        else:
            self.outbound_buffer.append(result)

    def _before_turn(self) -> None:
        # Once more after the last, for it takes back what it had asked the loop for.
        if self.outbound_buffer or self._is_scheduling:
            self._is_scheduling = bool(self.outbound_buffer)
            self._schedule()

    def _track_child_process(self, proc: Any, hub: Any) -> None:
        if not compat.is_watched(proc):
            with suppress(OSError):
                compat.watch(proc, by=os.pidfd_open(proc.pid))
        compat.wait_for_end(self, proc, hub)

    def _create_timelimit_handlers(self, hub: Any) -> None:
        if self.deadlines is None:
            self.deadlines = Deadlines(self._end_time)
            self.on_timeout_set, self.on_timeout_cancel = self._limit, self.deadlines.cancel
        self.deadlines.attach(hub)

    def _limit(self, result: Any, soft: float | None, hard: float | None) -> None:
        # That a child has ended a job may be heard before that it has begun it.
        if self.deadlines is not None and not result.ready():
            self.deadlines.set(result, soft=soft, hard=hard)

    def _end_time(self, result: Any, limit: str) -> None:
        pool: Any = self
        end = pool.on_soft_timeout if limit == "soft" else pool.on_hard_timeout
        end(result)


class Prefork(TaskPool):
    """What workers run unless they are told to use another kind of pool."""

    Pool = WatchedPool
    #: Whether a job gets a copy of its arguments.
    copies = True

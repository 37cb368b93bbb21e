"""A pool of threads in the worker's own process, for jobs that wait more than they work.

A thread cannot be ended. One that does not hear that its job is to stop, because it waits in a call of C, is
left to itself: its job has ended, what it does later is refused by the ledger, and another thread takes its
place.
"""

from __future__ import annotations

import itertools
import os
import queue
import signal
import threading
import time
from collections import deque
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from celery.concurrency.base import BasePool
from celery.exceptions import SoftTimeLimitExceeded

from app.db.engine import need_connections
from app.jobs.celery import compat, forks
from app.jobs.celery.batches import claimed
from app.jobs.errors import AttemptStopped
from app.jobs.ledger import store
from app.worker.pools.deadlines import Deadlines
from app.worker.pools.runs import INTERRUPTIONS, Answers, Outcome, Run, exception_info

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

#: How long a job that was told to stop may take to do so before its thread is given up.
STOP_GRACE = timedelta(seconds=5)
#: A thread that has had nothing to do for so long ends, and with it its connections.
IDLE_TIME = timedelta(minutes=1)
#: The session of a job, and one more that it opens beside it.
CONNECTIONS_PER_JOB = 2
#: Names of deadlines.
SOFT, HARD, STOP = "soft", "hard", "stop"


class Threads(BasePool):
    """Belongs to the event loop; its threads take runs and tell the loop of their ends."""

    signal_safe = False
    body_can_be_buffer = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._hub: Any = None
        self._numbers = itertools.count(1)
        self._runs: dict[int, Run] = {}
        self._orders: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self._threads: set[threading.Thread] = set()
        #: How many threads are at work for nobody.
        self._lost = 0
        self._ended: deque[Run] = deque()
        self._is_called = False
        self._deadlines = Deadlines(self._end_time)

    def on_start(self) -> None:
        """Before any job."""
        need_connections(CONNECTIONS_PER_JOB * self.limit)

    def register_with_event_loop(self, loop: Any) -> None:
        """The loop begins, or begins anew: what it was to call before is forgotten."""
        self._hub = loop
        self._deadlines.attach(loop)
        self._is_called = False
        self._call()

    def on_apply(self, target: Callable[..., Any], args: Any = (), kwargs: Any = None, **options: Any) -> Any:
        """Have a thread run this; limits and whom to tell are among the options, as with Celery's pools."""
        answers = Answers(
            callback=options["callback"],
            error_callback=options["error_callback"],
            timeout_callback=options["timeout_callback"],
        )
        soft, hard = options.get("soft_timeout"), options.get("timeout")
        # What the job left to be written is looked for once nothing can interrupt it any more.
        target = compat.trace_task if target is claimed.trace else target
        call = partial(target, *args, **(kwargs or {}))
        run = Run(number=next(self._numbers), call=call, answers=answers, soft=soft, hard=hard)
        self._runs[run.number] = run
        _tell(options["accept_callback"], run.number, time.monotonic())
        self._deadlines.set(run.number, **{SOFT: soft, HARD: hard})
        self._orders.put(run)
        if len(self._threads) < len(self._runs) + self._lost:
            self._start_thread()
        return run

    def terminate_job(self, pid: int, signal: int | None = None) -> None:  # noqa: ARG002 (as Celery calls it)
        """Stop a run, by the number that was given for the id of its process."""
        run = self._runs.get(pid)
        if run is not None:
            run.interrupt(AttemptStopped)
            self._deadlines.set(run.number, **{STOP: STOP_GRACE.total_seconds()})

    def on_terminate(self) -> None:
        """The worker ends, and gives back what has not ended."""
        for run in self._runs.values():
            run.interrupt(AttemptStopped)

    def grow(self, n: int = 1) -> None:
        """Run more at a time."""
        self.limit += n
        need_connections(CONNECTIONS_PER_JOB * self.limit)

    def shrink(self, n: int = 1) -> None:
        """Run fewer at a time."""
        self.limit = max(self.limit - n, 1)

    # The threads.

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._serve, name="job", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _serve(self) -> None:
        forks.note_runner()
        with suppress(queue.Empty):
            while True:
                self._work(self._orders.get(timeout=IDLE_TIME.total_seconds()))
        # A run that is put now finds one thread fewer, or this one has taken it.
        self._threads.discard(threading.current_thread())
        store.close()
        self._call()

    def _work(self, run: Run) -> None:
        try:
            run.work()
        except INTERRUPTIONS:
            # Two within a moment: whether the body came to its end is not known, so it runs again.
            run.outcome = run.outcome or Outcome(error=exception_info(SystemExit()))
        self._ended.append(run)
        self._call()

    def _call(self) -> None:
        if self._hub is not None and not self._is_called:
            self._is_called = True
            self._hub.call_soon(self._hear)

    # What the loop hears.

    def _hear(self) -> None:
        self._is_called = False
        while self._ended:
            self._on_ended(self._ended.popleft())
        if self._orders.qsize() and len(self._threads) < len(self._runs) + self._lost:
            self._start_thread()

    def _on_ended(self, run: Run) -> None:
        if run.is_abandoned:
            self._lost -= 1
            return
        self._forget(run)
        outcome = run.outcome
        if outcome is not None and outcome.error is None:
            _tell(run.answers.callback, outcome.result)
        elif outcome is not None:
            _tell(run.answers.error_callback, outcome.error)

    def _forget(self, run: Run) -> None:
        self._runs.pop(run.number, None)
        self._deadlines.cancel(run.number)

    def _end_time(self, number: int, limit: str) -> None:
        run = self._runs[number]
        if limit == SOFT:
            _tell(run.answers.timeout_callback, True, run.soft)
            run.interrupt(SoftTimeLimitExceeded)
            return
        run.interrupt(AttemptStopped)
        self._abandon(run)
        if limit == HARD:
            _tell(run.answers.timeout_callback, False, run.hard)
        else:
            _tell(run.answers.error_callback, exception_info(AttemptStopped()))

    def _abandon(self, run: Run) -> None:
        """Go on without it; what its thread still does has no effect."""
        self._forget(run)
        run.is_abandoned = True
        self._lost += 1
        log.warning("thread_left_behind", run=run.number, left_behind=self._lost)
        if self._lost >= self.limit:
            # Its supervisor starts another, which has no such threads.
            log.error("worker_full_of_lost_threads", left_behind=self._lost)
            os.kill(os.getpid(), signal.SIGTERM)


def _tell(callback: Callable[..., Any], *answer: Any) -> None:
    """Whatever goes wrong with one job's end, that of the others has to be told."""
    try:
        callback(*answer)
    except Exception:
        log.exception("callback_failed")

"""Stores what jobs log, in a thread of its own: whatever becomes of the lines, no job waits or fails.

A database that is away is tried again while there is room for what waits. How many lines are given up is
written to this process's own log.
"""

from __future__ import annotations

import contextvars
import math
import os
import threading
import time
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog

from app.db import outages
from app.jobs.logged.buffer import EVERY, GATHERED, KEPT_ATTEMPTS
from app.jobs.logged.line import joined
from app.jobs.logged.storing import Link, Row
from app.logs.failures import first_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.jobs.logged.buffer import Buffer, Chunk

log = structlog.get_logger(__name__)

#: A thread that has had nothing to write for so long ends, and with it its connection.
IDLE_TIME = timedelta(seconds=10)
#: After a failure.
PAUSE = timedelta(seconds=2)
#: So many attempts may have lines that wait to be written; with more, those that waited longest are lost.
MAX_WAITING = 1_000
#: While the database is away, so many bytes are kept for it.
MAX_KEPT_BYTES = 8 * 1024 * 1024
#: How often it is logged that lines were lost.
REPORT_EVERY = timedelta(minutes=1)
#: How long a process that ends waits for its last lines to be written.
LAST_WAIT = timedelta(seconds=1)


class Writer:
    """Of one process; its thread lives while there is something to write."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        #: When each is to be written at the latest (monotonic time), and those that are written now.
        self._due: dict[Buffer, float] = {}
        self._at_work: Sequence[Buffer] = ()
        self._thread: threading.Thread | None = None
        #: When the thread looks again by itself.
        self._wakes_at = -math.inf
        self._paused_until = -math.inf
        self._is_to_end = False
        self._losses = _Losses()

    def write_within(self, span: timedelta, buffer: Buffer) -> None:
        """Store what is in `buffer` no later than that."""
        at = time.monotonic() + span.total_seconds()
        with self._changed:
            self._due[buffer] = at = min(at, self._due.get(buffer, math.inf))
            if len(self._due) > MAX_WAITING:
                self._lose(next(iter(self._due)), why="more attempts end than can be written")
            if self._thread is None or not self._thread.is_alive():
                self._start()
            elif at < self._wakes_at:
                self._changed.notify()

    def end(self) -> None:
        """Write what there is, if that can be done within a moment: the process ends."""
        with self._changed:
            self._is_to_end = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(LAST_WAIT.total_seconds())
        with self._changed:
            for buffer in [*self._at_work, *self._due]:
                self._lose(buffer, why="the process ended first")
        self._losses.report()

    def _start(self) -> None:
        # Without the context of whoever logged: what is logged here is no line of a job.
        run = contextvars.Context().run
        self._thread = threading.Thread(target=run, args=(self._run,), name="job_log", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        link = Link()
        while self._is_any_due():
            self._write(self._at_work, link)
        link.close()
        self._losses.report()

    def _is_any_due(self) -> bool:
        """Wait until some are, and take them; False, and another thread for the next, if this is to end."""
        with self._changed:
            self._at_work = ()
            self._wait()
            if not self._due or (self._is_to_end and time.monotonic() < self._paused_until):
                self._thread = None
                return False
            horizon = math.inf if self._is_to_end else time.monotonic() + GATHERED.total_seconds()
            self._at_work = [buffer for buffer, at in self._due.items() if at <= horizon]
            for buffer in self._at_work:
                del self._due[buffer]
            return True

    def _wait(self) -> None:
        idle_at = time.monotonic() + IDLE_TIME.total_seconds()
        while not self._is_to_end:
            soonest = min(self._due.values(), default=idle_at)
            self._wakes_at = max(soonest, self._paused_until)
            left = self._wakes_at - time.monotonic()
            if left <= 0:
                break
            self._changed.wait(left)
        self._wakes_at = -math.inf

    def _write(self, buffers: Sequence[Buffer], link: Link) -> None:
        chunks = {buffer: buffer.unwritten() for buffer in buffers}
        try:
            link.insert(_rows(chunks))
        except Exception as error:
            link.close()
            self._after_failure(buffers, link, error)
            return
        for buffer, some in chunks.items():
            if buffer.written(some):
                self.write_within(EVERY, buffer)
            _clear_away(buffer, link, is_first=bool(some) and some[0].first == 0)

    def _after_failure(self, buffers: Sequence[Buffer], link: Link, error: Exception) -> None:
        if outages.is_transient(error):
            self._put_back(buffers, why=first_line(error))
        elif len(buffers) > 1:
            # One that is refused keeps no others from being written.
            for buffer in buffers:
                self._write([buffer], link)
        else:
            self._lose(buffers[0], why=first_line(error))

    def _put_back(self, buffers: Sequence[Buffer], *, why: str) -> None:
        with self._changed:
            self._paused_until = time.monotonic() + PAUSE.total_seconds()
            self._due = dict.fromkeys(buffers, self._paused_until) | self._due
            size = sum(buffer.size for buffer in self._due)
            for buffer in [*self._due]:
                if size <= MAX_KEPT_BYTES:
                    break
                size -= buffer.size
                self._lose(buffer, why=why)

    def _lose(self, buffer: Buffer, *, why: str) -> None:
        self._due.pop(buffer, None)
        chunks = buffer.unwritten()
        buffer.written(chunks)
        self._losses.add(sum(len(chunk.lines) for chunk in chunks), why=why)


class _Losses:
    """Lines that were given up, logged now and then."""

    def __init__(self) -> None:
        self._lines = 0
        self._why = ""
        self._reported_at = -math.inf

    def add(self, lines: int, *, why: str) -> None:
        self._lines, self._why = self._lines + lines, why
        if time.monotonic() - self._reported_at > REPORT_EVERY.total_seconds():
            self.report()

    def report(self) -> None:
        if self._lines:
            lines, self._lines, self._reported_at = self._lines, 0, time.monotonic()
            log.warning("job_log_lines_lost", lines=lines, reason=self._why)


def _rows(chunks: dict[Buffer, list[Chunk]]) -> list[Row]:
    return [
        Row(buffer.job_id, buffer.fence, chunk.first, joined(chunk.lines))
        for buffer, some in chunks.items()
        for chunk in some
    ]


def _clear_away(buffer: Buffer, link: Link, *, is_first: bool) -> None:
    gone, until = buffer.outlived(), buffer.fence - KEPT_ATTEMPTS
    try:
        if gone is not None:
            link.forget_chunks(job_id=buffer.job_id, fence=buffer.fence, first=gone[0], last=gone[1])
        if is_first and until > 0:
            link.forget_attempts(job_id=buffer.job_id, until=until)
    except Exception as error:
        # They stay as long as their job, though it is more than is promised.
        link.close()
        log.debug("job_log_not_shortened", job_id=buffer.job_id, error=first_line(error))


def current() -> Writer:
    """That of this process; one that is forked off gets its own."""
    return _writer_of(os.getpid())


@lru_cache(maxsize=1)
def _writer_of(_pid: int) -> Writer:
    return Writer()

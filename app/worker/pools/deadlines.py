"""The time limits of what a pool runs, by one timer for all of it.

Celery's pool sets a timer for each job. One that is not needed any more stays in its heap until it would have
been due, so that a worker which ends a thousand jobs a second holds a million of them at a limit of
half an hour.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class Loop(Protocol):
    """What an event loop is asked for."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Any:
        """Call it after so many seconds."""


class Deadlines:
    """By job; belongs to the event loop. `call` is told which job is over which of its deadlines."""

    def __init__(self, call: Callable[[Any, str], None]) -> None:
        self._call = call
        self._loop: Loop | None = None
        self._due: dict[Hashable, dict[str, float]] = {}
        self._armed_at = math.inf

    def attach(self, loop: Loop) -> None:
        """From now on this loop calls, which may have forgotten what it was to call before."""
        self._loop, self._armed_at = loop, math.inf
        self._arm()

    def set(self, job: Hashable, **seconds: float | None) -> None:
        """Give a job deadlines, in seconds from now; those that are None are none."""
        now = time.monotonic()
        due = {name: now + given for name, given in seconds.items() if given}
        if due:
            self._due.setdefault(job, {}).update(due)
            self._arm(min(due.values()))

    def cancel(self, job: Hashable) -> None:
        """A job has ended."""
        self._due.pop(job, None)

    def _arm(self, at: float | None = None) -> None:
        if at is None:
            at = min((at for due in self._due.values() for at in due.values()), default=math.inf)
        if self._loop is not None and at < self._armed_at:
            self._armed_at = at
            self._loop.call_later(max(at - time.monotonic(), 0.0), self._look)

    def _look(self) -> None:
        now, self._armed_at = time.monotonic(), math.inf
        over = [(job, name) for job, due in self._due.items() for name, at in due.items() if at <= now]
        for job, name in over:
            due = self._due.get(job, {})
            if due.pop(name, None) is None:
                continue
            if not due:
                del self._due[job]
            self._call(job, name)
        self._arm()

"""Threads that do the same again and again, and that no error ends."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod

import structlog

from app.db import outages
from app.logs.failures import first_line

log = structlog.get_logger(__name__)


class RepeatingThread(threading.Thread, ABC):
    """Works, pauses, and works again until it is told to stop; what goes wrong is said once, and its end."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name, daemon=True)
        #: When it last tried, and when that last went well (monotonic time).
        self.tried_at = self.worked_at = time.monotonic()
        self.fails = False
        self._is_to_stop = False
        self._wake = threading.Event()

    @abstractmethod
    def work(self) -> None:
        """What is done each time."""

    @abstractmethod
    def pause(self) -> float:
        """How many seconds to wait before the next time."""

    def run(self) -> None:
        """Work, at once and after each pause."""
        while not self._is_to_stop:
            self._try()
            self._wake.wait(self.pause())
            self._wake.clear()

    def wake(self) -> None:
        """End the pause."""
        self._wake.set()

    def end(self) -> None:
        """Work no more."""
        self._is_to_stop = True
        self.wake()

    def is_stuck(self, *, after: float) -> bool:
        """Whether it has not even tried for so many seconds, though nobody told it to stop."""
        return not self._is_to_stop and time.monotonic() - self.tried_at > after

    def _try(self) -> None:
        try:
            self.work()
        except (
            BaseException
        ) as error:  # (what ends a program elsewhere ends no more than a thread, in silence)
            self._note_failure(error)
        else:
            if self.fails:
                log.info("thread_works_again", thread=self.name, after=round(self._failing_for(), 1))
            self.fails, self.worked_at = False, time.monotonic()
        self.tried_at = time.monotonic()

    def _note_failure(self, error: BaseException) -> None:
        if self.fails:
            return
        self.fails = True
        if outages.is_transient(error):
            log.warning("thread_fails", thread=self.name, error=first_line(error))
        else:
            log.error("thread_fails", thread=self.name, exc_info=error)

    def _failing_for(self) -> float:
        return time.monotonic() - self.worked_at

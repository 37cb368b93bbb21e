"""Ends a worker that was told to stop and cannot: its main thread waits for Redis, and hears nothing."""

from __future__ import annotations

import atexit
import os
import queue
import signal
import threading
from contextlib import suppress

import structlog
from billiard import active_children
from celery.platforms import EX_OK

log = structlog.get_logger(__name__)

#: More than a worker needs that has nothing left to do, and with its deadline less than systemd waits.
END_SECONDS = 12


class LastResort(threading.Thread):
    """Waits until the worker has nothing left to do, and then for its end."""

    def __init__(self) -> None:
        super().__init__(name="last-resort", daemon=True)
        # Safe to put into from a signal handler, which may interrupt anything.
        self._told: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._has_ended = threading.Event()

    def tell(self) -> None:
        """From now on the main thread has `END_SECONDS` to end."""
        self._told.put(None)

    def cancel(self) -> None:
        """The main thread has come to its end."""
        self._has_ended.set()

    def run(self) -> None:
        self._told.get()
        if self._has_ended.wait(END_SECONDS):
            return
        log.warning("worker_cut_off", reason=f"it did not end within {END_SECONDS} s")
        for pid in [child.pid for child in active_children() if child.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # What the main thread would have done: give back leases, remove pidfiles.
        atexit._run_exitfuncs()
        os._exit(EX_OK)

"""Tells systemd that this worker is alive, for as long as its main thread does something."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

from celery import bootsteps

from app.jobs.celery.transport.connecting import is_connecting
from app.processes.repeating_thread import RepeatingThread
from app.processes.systemd_notify import ALIVE, notify

if TYPE_CHECKING:
    from collections.abc import Callable

#: How often systemd is told; less often than the unit's `WatchdogSec` by far.
PING_SECONDS = 10.0
TICK_SECONDS = 5.0
#: Longer than any wait of the event loop.
STALE_SECONDS = 20.0
#: Longer than an attempt to connect, whose parts have limits of their own, and the pause after it.
STUCK_SECONDS = 45.0


class Pulse(bootsteps.StartStopStep):
    """Notes when the event loop last turned, and whether there is a connection for which it should."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    #: Of this process; there is one worker in it.
    is_connected = False
    last_tick = 0.0

    def start(self, parent: Any) -> None:  # noqa: ARG002 (Celery gives it)
        """The loop begins."""
        Pulse.is_connected, Pulse.last_tick = True, time.monotonic()

    def stop(self, parent: Any) -> None:  # noqa: ARG002
        """The connection is gone: until there is another, the loop stands still, and rightly so."""
        Pulse.is_connected = False

    def register_with_event_loop(self, parent: Any, hub: Any) -> None:  # noqa: ARG002
        """Tick in each loop; Celery takes this back when the loop ends."""
        hub.call_repeatedly(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        Pulse.last_tick = time.monotonic()


class Watchdog(RepeatingThread):
    """Tells systemd in a thread, and only while the main thread lives and the worker renews its leases.

    With a connection, the event loop has to turn. Without one the main thread sits in attempts to connect,
    Celery's own or those of a message that is sent from the loop, which may last as long as the outage; there
    it only has to do anything at all.
    """

    def __init__(self, *, is_stuck: Callable[[], bool]) -> None:
        super().__init__(name="watchdog")
        self._is_stuck = is_stuck
        self._clock = time.pthread_getcpuclockid(threading.main_thread().ident or 0)
        self._work = 0.0
        self._worked_at = 0.0

    def run(self) -> None:
        # Not at once: systemd does not know yet that this is the process to listen to.
        self._wake.wait(self.pause())
        super().run()

    def work(self) -> None:
        """Tell systemd, if there is life to tell of."""
        if self._is_alive() and not self._is_stuck():
            notify(ALIVE)

    def pause(self) -> float:
        """A worker that another one started has no word from systemd how often it is to be told."""
        asked = os.environ.get("WATCHDOG_USEC", "")
        return min(PING_SECONDS, int(asked) / 2_000_000) if asked.isdigit() else PING_SECONDS

    def _is_alive(self) -> bool:
        now, work = time.monotonic(), time.clock_gettime(self._clock)
        if work != self._work:
            self._work, self._worked_at = work, now
        if Pulse.is_connected and now - Pulse.last_tick < STALE_SECONDS:
            return True
        return (not Pulse.is_connected or is_connecting()) and now - self._worked_at < STUCK_SECONDS

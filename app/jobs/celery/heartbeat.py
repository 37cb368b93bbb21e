"""The worker's sign of life: renews the leases of what it runs, and gives back what it leaves unfinished."""

from __future__ import annotations

import atexit
import math
import os
import secrets
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from celery import signals

from app.db import outages
from app.db.engine import CONNECT_TIMEOUT
from app.jobs.celery import compat, forks
from app.jobs.celery.pauses import learning
from app.jobs.ledger import store
from app.jobs.transitions import deferred_ends, workers
from app.jobs.transitions.neighbours import Neighbours, begin_life
from app.logs.failures import first_line
from app.processes.repeating_thread import RepeatingThread
from app.processes.worker_names import without_generation
from app.settings.config import settings

if TYPE_CHECKING:
    from app.processes.lives import Life

log = structlog.get_logger(__name__)

#: New with every start and inherited by the pool's children: a restarted worker holds none of the old leases.
_START = secrets.token_hex(4)
#: How often it looks for workers of its host that have died.
LOOK = timedelta(seconds=2)
#: After a beat that failed.
RETRY = timedelta(seconds=1)


@signals.celeryd_init.connect
def _begin_anew(**_: object) -> None:
    """Before the pool starts: what is forked off a process that had imported this is a start of its own."""
    global _START
    _START = secrets.token_hex(4)


def holder(hostname: str) -> str:
    """The name under which the worker on this node, since this start, holds leases."""
    return f"{hostname}#{_START}"


_LIFE: Life | None = None
_HEARTBEAT: Heartbeat | None = None
_claimed_ahead: ClaimedAhead | None = None


class ClaimedAhead(Protocol):
    """What this worker holds besides what its children run."""

    def ids(self) -> list[str]:
        """Jobs whose leases are to be renewed."""

    def end(self) -> None:
        """Write what is to be written."""


def hold(ahead: ClaimedAhead) -> None:
    """Renew the leases of these, too."""
    global _claimed_ahead
    _claimed_ahead = ahead


@signals.celeryd_after_setup.connect
def _show_life(sender: str, **_: object) -> None:
    """Before the pool starts: from here on there may be jobs under this name."""
    global _LIFE
    _LIFE = begin_life(holder(sender))
    atexit.register(_end_life, os.getpid())


def _end_life(pid: int) -> None:
    if _LIFE is not None and os.getpid() == pid and (_HEARTBEAT is None or _HEARTBEAT.left_nothing):
        _LIFE.end()


class Heartbeat(RepeatingThread):
    """Beats in a thread of the main process, because Celery's event loop stands still while it reconnects."""

    def __init__(self, *, hostname: str, concurrency: int, life: Life | None = None) -> None:
        super().__init__(name="heartbeat")
        self._hostname = hostname
        self._concurrency = concurrency
        self._neighbours = Neighbours(life) if life else None
        self._signed_off = False
        self._beaten_at = self._renewed_at = -math.inf
        #: Whether nothing is left to be done for this worker once its process has ended.
        self.left_nothing = False
        deferred_ends.listen(self.wake)

    def work(self) -> None:
        """Do what is due, while nothing forks."""
        if self.fails:
            self._renewed_at = -math.inf
        with forks.at_work:
            try:
                self._beat_if_due()
                deferred_ends.write_waiting()
                if self._neighbours:
                    self._neighbours.end_dead(between=self._beat_if_due)
            finally:
                # Only this thread could close it, and a child must not inherit it.
                store.close()

    def pause(self) -> float:
        """Short while leases could not be renewed: others end them soon after the database is back."""
        if self.fails or deferred_ends.is_any_waiting():
            return RETRY.total_seconds()
        return min(LOOK.total_seconds(), workers.beat_seconds())

    def _beat_if_due(self) -> None:
        now = time.monotonic()
        if now - self._renewed_at >= settings().lease_seconds / 3:
            self._renewed_at = self._beaten_at = now
            self.beat()
        elif now - self._beaten_at >= workers.beat_seconds():
            self._beaten_at = now
            self._sign()

    def beat(self) -> None:
        """Renew the leases of the running jobs, and the worker's own row; rows of the gone go."""
        name = holder(self._hostname)
        running = [request.id for request in compat.running_requests()]
        running += _claimed_ahead.ids() if _claimed_ahead is not None else []
        self._sign()
        if running:
            store.extend(store.connection(), ids=running, worker=name)
        workers.clear_away(name=name, others=name.removesuffix(_START))

    def _sign(self) -> None:
        paused = workers.sign(
            name=holder(self._hostname),
            node=without_generation(self._hostname),
            concurrency=self._concurrency,
            signed_off=self._signed_off,
        )
        learning.learn(paused)

    def sign_off(self) -> None:
        """Sign off, and go on keeping the leases."""
        self._signed_off = True
        self.beat_soon()

    def beat_soon(self) -> None:
        """Beat now, and hear what is new."""
        self._beaten_at = -math.inf
        self.wake()

    def stop(self) -> None:
        """End the thread, give back what is still held, and sign off."""
        self.end()
        self.join(timeout=CONNECT_TIMEOUT.total_seconds())
        if _claimed_ahead is not None:
            _claimed_ahead.end()
        try:
            workers.release_jobs(worker=holder(self._hostname))
            self.left_nothing = True
        except outages.ERRORS as error:
            log.warning("leases_not_given_back", error=first_line(error), remedy="they end by themselves")


@signals.worker_ready.connect
def _start(sender: Any, **_: object) -> None:
    global _HEARTBEAT
    concurrency = sender.controller.concurrency
    _HEARTBEAT = Heartbeat(hostname=sender.hostname, concurrency=concurrency, life=_LIFE)
    _HEARTBEAT.start()
    # Celery announces its end only when it stops warmly. At exit the pool is gone, either way.
    atexit.register(_stop, _HEARTBEAT, os.getpid())
    log.info("worker_ready", node=sender.hostname)


def sign_off() -> None:
    """Sign this process's worker off: from now on it only keeps the leases of what it still runs."""
    if _HEARTBEAT is not None:
        _HEARTBEAT.sign_off()


def beat_soon() -> None:
    """Have this process's worker beat now, and hear what is new."""
    if _HEARTBEAT is not None:
        _HEARTBEAT.beat_soon()


def is_stuck() -> bool:
    """Whether this process's leases have long ended, because nothing renews them any more."""
    return _HEARTBEAT is not None and _HEARTBEAT.is_stuck(after=workers.gone_after_seconds())


def _stop(heartbeat_thread: Heartbeat, pid: int) -> None:
    if os.getpid() == pid:
        heartbeat_thread.stop()
